// bench.mjs BINARY: the dashboard's figures in a real browser. Part of ./dev bench.
//
//   first load      requests and bytes over the wire until the first paint, and of the whole start
//   frame to text   from the moment the model's server sent a word to the moment it stands in the page
//   long session    a session of 10,000 events: opened, then scrolled through
//   streaming       script memory after as many frames as an hour of streaming brings
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

const binary = realpathSync(process.argv[2]);
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'boxagnts-bench-')));
const sorted = values => [...values].sort((a, b) => a - b);
const at = (values, part) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * part))];
const ms = value => `${value.toFixed(1)} ms`;

// A Chat Completions server on loopback that is told what to stream.
let stream = async () => {};
const model = createServer(async (request, response) => {
  for await (const _ of request);
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const say = text => response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\n`);
  await stream(say);
  response.end(`data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`);
});
await new Promise(done => model.listen(0, '127.0.0.1', done));

const server = spawn(binary, ['serve', '--workspace-dir', folder, '--port', '0'], {
  cwd: folder,
  env: { PATH: process.env.PATH, HOME: folder, OPENAI_BASE_URL: `http://127.0.0.1:${model.address().port}/v1` },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const line = await new Promise(resolve => createInterface({ input: server.stdout }).once('line', resolve));
const [, url, token] = /at (http:\S+)\/#token=(\S+)/.exec(line);
const api = async (method, path, body) => (await fetch(url + path, {
  method, body: body && JSON.stringify(body),
  headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
})).json();

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });

async function firstLoad() {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Network.enable');
  const sizes = new Map();
  const ends = [];
  cdp.on('Network.requestWillBeSent', event => sizes.set(event.requestId, { url: event.request.url }));
  cdp.on('Network.loadingFinished', event => ends.push({ ...sizes.get(event.requestId), bytes: event.encodedDataLength }));
  await page.goto(`${url}/#token=${token}`);
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  const paint = await page.evaluate(() => ({
    first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
    before: performance.getEntriesByType('resource').filter(one =>
      one.startTime < (performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0)).length + 1,
  }));
  const total = ends.reduce((sum, one) => sum + one.bytes, 0);
  console.log(`first load: first paint after ${ms(paint.first)}, ${paint.before} requests begun by then; ` +
    `${ends.length} requests, ${(total / 1000).toFixed(1)} KB over the wire until it can be written in`);
  await page.close();
}

async function frameToText() {
  const page = await context.newPage();
  await page.goto(`${url}/#token=${token}`);
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  await page.evaluate(() => {
    globalThis.seen = {};
    new MutationObserver(() => {
      const text = document.querySelector('[role=log]')?.textContent ?? '';
      for (const [word] of text.matchAll(/mark\d+\./g)) globalThis.seen[word] ??= Date.now();
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const sent = {};
  stream = async say => {
    for (let one = 0; one < 150; ++one) {
      await new Promise(done => setTimeout(done, 40));
      sent[`mark${one}.`] = Date.now();
      say(`mark${one}. `);
    }
  };
  const { session } = await api('POST', '/api/v1/runs', { prompt: 'talk', model: 'openai/x', mode: 'plan' });
  await page.goto(`${url}/#/chat/${session}`);
  await page.getByText('mark149.').waitFor();
  const seen = await page.evaluate(() => globalThis.seen);
  const delays = Object.keys(sent).slice(20).map(word => seen[word] - sent[word]).filter(one => !Number.isNaN(one));
  console.log(`frame to text: p50 ${ms(at(delays, 0.5))}, p95 ${ms(at(delays, 0.95))}, largest ${ms(Math.max(...delays))} of ${delays.length}`);
  await page.close();
}

// Runs until the session has that many events.
async function longSession(events) {
  const script = join(folder, 'long.yaml');
  const turns = Array.from({ length: 400 }, (_, one) => ({
    think: `Thinking about step ${one}.`,
    say: `# Step ${one}\n\nSome **words** with \`code\` and a list:\n\n- one\n- two\n\n\`\`\`cpp\nint step${one}() { return ${one}; }\n\`\`\`\n`,
    calls: [{ tool: 'glob', id: `g${one}`, arguments: { pattern: '**/*.md' } }],
  }));
  writeFileSync(script, JSON.stringify({ conversations: Array.from({ length: 40 }, () => ({ turns: [...turns, { say: 'Done.' }] })) }));
  let session;
  for (;;) {
    const started = await api('POST', '/api/v1/runs', { prompt: 'Go on', session, model: `scripted/${script}`, mode: 'edits', max_turns: 500 });
    session = started.session;
    for (;;) {
      const info = await api('GET', `/api/v1/sessions/${session}`);
      if (!info.running) {
        if (info.events >= events) return info;
        break;
      }
      await new Promise(done => setTimeout(done, 50));
    }
  }
}

async function openAndScroll() {
  const info = await longSession(10_000);
  const page = await context.newPage();
  await page.goto(`${url}/#token=${token}`);
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  const opened = [];
  for (let round = 0; round < 5; ++round) {
    await page.evaluate(() => (location.hash = '#/chat'));
    await page.getByRole('heading', { name: 'New chat' }).waitFor();
    opened.push(await page.evaluate(id => new Promise(done => {
      const began = performance.now();
      location.hash = `#/chat/${id}`;
      const look = () => {
        const log = document.querySelector('[role=log]');
        const there = [...(log?.querySelectorAll('.run-end') ?? [])].at(-1);
        if (there && there.getBoundingClientRect().bottom <= log.getBoundingClientRect().bottom + 1) done(performance.now() - began);
        else requestAnimationFrame(look);
      };
      look();
    }), info.id));
  }
  console.log(`long session: ${info.events} events opened in p50 ${ms(at(opened, 0.5))}, largest ${ms(Math.max(...opened))}`);
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable');
  const metrics = async () => Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map(one => [one.name, one.value]));
  const before = await metrics();
  const frames = await page.evaluate(() => new Promise(done => {
    const log = document.querySelector('[role=log]');
    let count = 0;
    const step = () => {
      log.scrollTop -= 120;
      if (++count < 600) requestAnimationFrame(step);
      else done(count);
    };
    step();
  }));
  const after = await metrics();
  const work = ['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration'].reduce((sum, name) => sum + after[name] - before[name], 0);
  console.log(`long session: scrolled by ${frames} frames of 120 px, script, style and layout ${ms((work * 1000) / frames)} a frame`);
  await page.close();
}

async function streaming() {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await page.goto(`${url}/#token=${token}`);
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  const heap = async () => {
    await cdp.send('HeapProfiler.collectGarbage');
    return (await cdp.send('Runtime.getHeapUsage')).usedSize / 1e6;
  };
  // An hour at 40 words a second, in runs of 2,000 words.
  const kRuns = 72, kWords = 2000;
  let session;
  const figures = [];
  for (let run = 0; run < kRuns; ++run) {
    stream = async say => {
      for (let word = 0; word < kWords; ++word) {
        say(`word${word} `);
        if (word % 50 === 49) await new Promise(done => setTimeout(done, 5));
      }
    };
    ({ session } = await api('POST', '/api/v1/runs', { prompt: `run ${run}`, session, model: 'openai/x', mode: 'plan' }));
    if (run === 0) await page.goto(`${url}/#/chat/${session}`);
    for (;;) {
      if (!(await api('GET', `/api/v1/sessions/${session}`)).running) break;
      await new Promise(done => setTimeout(done, 30));
    }
    if (run % 12 === 11) figures.push(await heap());
  }
  console.log(`streaming: ${kRuns * kWords} words; script memory after each sixth: ${figures.map(one => one.toFixed(1)).join(', ')} MB ` +
    `(the conversation itself is ${((kRuns * kWords * 9) / 1e6).toFixed(1)} MB of text)`);
  await page.close();
}

const parts = { firstLoad, frameToText, openAndScroll, streaming };
for (const [name, part] of Object.entries(parts)) if (!process.argv[3] || process.argv[3] === name) await part();
await browser.close();
server.kill();
model.close();
rmSync(folder, { recursive: true, force: true });
