// The dashboard's tests in a real browser against the real binary.
//
//   run.mjs BINARY --list              the names of the cases, one a line
//   run.mjs BINARY [--only TEXT] [--shots FOLDER]
//
// Each case has a server of its own on a fresh workspace, with a home of its own, and a page that is
// signed in. A case fails by throwing; and when the page threw, logged an error, broke the page's
// policy (CSP), or asked any other host for anything.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const kStepMs = 60_000;  // how long a step may hang before it counts as failed

const [given, ...flags] = process.argv.slice(2);
const binary = realpathSync(given);
const flag = name => (flags.includes(name) ? flags[flags.indexOf(name) + 1] : undefined);
const only = flag('--only') ?? '';
const shots = flag('--shots') ?? join(tmpdir(), 'boxagnts-dashboard-shots');

export function want(condition, sentence) {
  if (!condition) throw new Error(sentence);
}

async function allCases() {
  const cases = [];
  for (const file of readdirSync(here).sort()) {
    if (!file.endsWith('.mjs') || file === 'run.mjs') continue;
    const module = await import(pathToFileURL(join(here, file)).href);
    for (const one of module.cases ?? []) cases.push({ ...one, name: `${file.slice(0, -4)}: ${one.name}` });
  }
  return cases;
}

// --- a server of a case

class Server {
  constructor(folder, { flags = [], environment = {}, prepare } = {}) {
    this.workspace = join(folder, 'work');
    this.home = join(folder, 'home');
    mkdirSync(this.workspace);
    mkdirSync(this.home);
    this.flags = flags;
    this.environment = environment;
    this.port = 0;
    prepare?.(this);
  }

  // Again on the same port, where it has been running before.
  async start() {
    this.process = spawn(
      binary,
      ['serve', '--workspace-dir', this.workspace, '--port', String(this.port), ...this.flags],
      {
        cwd: this.workspace,
        env: { PATH: process.env.PATH, HOME: this.home, TZ: 'UTC', LANG: 'C.UTF-8', ...this.environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.said = '';
    this.process.stderr.on('data', data => (this.said += data));
    const lines = createInterface({ input: this.process.stdout });
    const line = await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      this.process.once('exit', code => reject(new Error(`the server ended with ${code}: ${this.said.slice(-800)}`)));
    });
    const found = /at (http:\/\/[^/]+:(\d+))\/#token=(\S+)/.exec(line);
    want(found, `no address in ${line}`);
    this.url = found[1];
    this.port = Number(found[2]);
    this.token = found[3];
  }

  async end(signal = 'SIGTERM') {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode) return;
    const ended = new Promise(resolve => this.process.once('exit', resolve));
    this.process.kill(signal);
    await ended;
  }

  async api(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    want(response.ok, `${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    return text ? JSON.parse(text) : undefined;
  }
}

// --- what a case is given

const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

function tools(page, server, name) {
  const drawn = () => page.evaluate(() =>
    new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done()))));
  const slug = name.replace(/[^a-z0-9]+/gi, '-').toLowerCase();
  return {
    page,
    server,
    want,
    context: page.context(),

    // Both themes and a phone, kept as files.
    async shot(part) {
      mkdirSync(shots, { recursive: true });
      const size = page.viewportSize();
      for (const theme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: theme });
        await drawn();
        await page.screenshot({ path: join(shots, `${slug}-${part}-${theme}.png`) });
      }
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 390, height: 844 });
      await drawn();
      await page.screenshot({ path: join(shots, `${slug}-${part}-phone.png`) });
      await page.setViewportSize(size);
    },

    // WCAG 2.2 A and AA, in both themes.
    async axe(what = 'the page') {
      for (const theme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        await drawn();
        await page.evaluate(axeSource + ';0');
        const found = await page.evaluate(() =>
          globalThis.axe.run(document, {
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
            resultTypes: ['violations'],
          }));
        want(
          found.violations.length === 0,
          `axe finds in ${what} (${theme}):\n` +
            found.violations.map(one =>
              `  ${one.id}: ${one.help}\n` + one.nodes.slice(0, 4).map(node => `    ${node.html.slice(0, 200)}\n      ${node.failureSummary?.split('\n').slice(1, 3).join(' ')}`).join('\n')).join('\n'),
        );
      }
      await page.emulateMedia({ colorScheme: 'light' });
    },

    // Waits until it holds.
    async until(condition, sentence) {
      const end = Date.now() + kStepMs;
      for (;;) {
        if (await condition()) return;
        want(Date.now() < end, sentence);
        await page.evaluate(() => new Promise(done => requestAnimationFrame(() => done())));
      }
    },
  };
}

// Faults of the page itself, gathered while a case runs.
async function watch(context, server) {
  const faults = [];
  await context.exposeBinding('boxagntsFault', (_, sentence) => faults.push(sentence));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', event =>
      globalThis.boxagntsFault(`policy: ${event.violatedDirective} by ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber} ${event.sample}`));
  });
  context.on('page', page => {
    page.on('pageerror', error => faults.push(`threw: ${error.stack ?? error}`));
    page.on('console', message => {
      // A refusal by the server, or its absence, is what some cases are about.
      if (message.type() === 'error' && !/Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|ERR_NETWORK/.test(message.text()))
        faults.push(`logged: ${message.text()}`);
    });
  });
  context.on('request', request => {
    const url = request.url();
    if (!url.startsWith(server.url + '/') && !url.startsWith('blob:')) faults.push(`asked ${url}`);
  });
  return faults;
}

async function runCase(browser, one) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'boxagnts-dashboard-')));
  const server = new Server(folder, one);
  let context;
  try {
    await server.start();
    context = await browser.newContext({
      viewport: one.viewport ?? { width: 1280, height: 800 },
      locale: 'en-GB',
      timezoneId: 'UTC',
      permissions: ['clipboard-read', 'clipboard-write'],
      acceptDownloads: true,
      ...one.context,
    });
    context.setDefaultTimeout(kStepMs);
    const faults = await watch(context, server);
    const page = await context.newPage();
    if (!one.closed) {
      await page.goto(`${server.url}/#token=${server.token}`);
      await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    }
    await one.run({ ...tools(page, server, one.name), faults });
    want(faults.length === 0, `the page itself: ${[...new Set(faults)].slice(0, 6).join('\n')}`);
  } catch (error) {
    const page = context?.pages()[0];
    if (page) {
      mkdirSync(shots, { recursive: true });
      await page.screenshot({ path: join(shots, `failed-${one.name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.png`) }).catch(() => {});
    }
    throw error;
  } finally {
    await context?.close();
    await server.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

const cases = (await allCases()).filter(one => one.name.includes(only));
if (flags.includes('--list')) {
  for (const one of cases) console.log(one.name);
} else {
  const path = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'].find(existsSync);
  const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu'] });
  let failed = 0;
  for (const one of cases) {
    const began = Date.now();
    try {
      await runCase(browser, one);
      console.log(`ok ${one.name} (${Date.now() - began} ms)`);
    } catch (error) {
      ++failed;
      console.log(`FAILED ${one.name}\n${String(error?.stack ?? error).split('\n').filter(line => !/^\s*\[pid=|<launch/.test(line)).slice(0, 14).map(line => '  ' + line).join('\n')}`);
    }
  }
  await browser.close();
  process.exitCode = failed ? 1 : 0;
}
