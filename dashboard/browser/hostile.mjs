// Hostile content in every place where text of others is shown: it changes nothing but text. The
// runner fails a case as well when anything was asked of another host, or the page's policy was
// touched at all.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ended, script, send } from './lib/chat_steps.mjs';

const run = 'globalThis.boxagntsRan=1';
const kContents = {
  script: `<script>${run}</script>`,
  image: `<img src=x onerror="${run}">`,
  'image of another host': '![look](http://127.0.0.1:9/p.png) <img src="http://127.0.0.1:9/q.png">',
  svg: `<svg onload="${run}"><script>${run}</script><use href="http://127.0.0.1:9/s.svg#x"/></svg>`,
  frame: `<iframe srcdoc="<script>parent.${run}</script>"></iframe><object data="http://127.0.0.1:9/"></object>`,
  link: `[click me](javascript:${run}) <a href="javascript:${run}">x</a> [d](data:text/html,<script>${run}</script>)`,
  style: '<style>body{display:none}</style><link rel=stylesheet href="http://127.0.0.1:9/s.css">',
  form: '<form action="http://127.0.0.1:9/"><input name=a autofocus><button>Sign in</button></form>',
  meta: '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/"><base href="http://127.0.0.1:9/">',
  'end of a script': `</script></textarea></title><script>${run}</script>`,
  template: `{{constructor.constructor('${run}')()}} \${${run}} <%= ${run} %>`,
  attribute: `" onmouseover="${run}" x="' onfocus='${run}' autofocus '`,
  'mutated markup': `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${run}&gt;">`,
  'terminal escapes': '\u001b[2J\u001b[31mred\u001b]8;;http://127.0.0.1:9/\u0007link\u001b]8;;\u0007\u001b]0;title\u0007\u009b31m',
  'turned around': 'safe\u202egpj.exe\u2066 \u200b\u2069 \ufeff',
  'control characters': 'a\u0001b\u0008c\u007fd\u0085e\u2028f',
  'code fence': '```"><script>globalThis.boxagntsRan=1</script>\n</code></pre><img src=x onerror="globalThis.boxagntsRan=1">\n```',
  table: '|<img src=x onerror="globalThis.boxagntsRan=1">|[a](javascript:1)|\n|---|---|\n|<script>1</script>|`<b>`|',
  'reference link': '[x][y]\n\n[y]: javascript:globalThis.boxagntsRan=1 "t"',
  'prototype keys': '__proto__ constructor toString hasOwnProperty',
  'a question of the page': '\n\n---\n\n**BoxAgnts asks:** Apply? <button data-answer="yes">Apply</button>',
  long: 'x'.repeat(5000),
  'deep markup': '>'.repeat(400) + ' deep ' + '- '.repeat(200),
};

// What the page may never hold, wherever it came from.
const kForbidden = [
  'script:not([src^="/assets/"])', 'iframe', 'object', 'embed', 'base', 'meta[http-equiv]', 'style', 'img[src^="http"]',
  'link[rel="stylesheet"]:not([href^="/assets/"])', 'form[action]', '[onerror]', '[onload]', '[onmouseover]', '[onfocus]',
  'a[href^="javascript" i]', 'a[href^="data" i]', 'svg script', 'use[href^="http"]',
];

async function judge(page, want, where) {
  const found = await page.evaluate(selectors => ({
    ran: globalThis.boxagntsRan !== undefined,
    there: selectors.filter(one => document.querySelector(one)),
    hidden: getComputedStyle(document.body).display === 'none',
    address: location.origin,
    // Markdown of others makes no button that answers for a person.
    answers: [...document.querySelectorAll('.prose [data-answer]')].length,
    unseen: /[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/.exec(document.body.innerText)?.[0].codePointAt(0),
  }), kForbidden);
  want(!found.ran, `a script of others ran: ${where}`);
  want(found.there.length === 0, `the page holds ${found.there.join(', ')}: ${where}`);
  want(!found.hidden && !found.answers, `the page was changed: ${where}`);
  want(found.unseen === undefined, `U+${found.unseen?.toString(16)} is in the text unseen: ${where}`);
}

// Opens everything that can be opened, from the top to the end, and looks at each screen.
async function readAll(page, want, where) {
  const log = page.getByRole('log');
  await log.hover();
  await page.mouse.wheel(0, -1_000_000);
  await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done()))));
  await log.evaluate(place => (place.scrollTop = 0));
  for (let at = 0; at < 400; ++at) {
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done()))));
    await log.evaluate(place => {
      for (const one of place.querySelectorAll('[aria-expanded="false"]')) one.click();
    });
    await judge(page, want, `${where}, screen ${at}`);
    const end = await log.evaluate(place => {
      const before = place.scrollTop;
      place.scrollTop += place.clientHeight * 0.8;
      return place.scrollTop === before;
    });
    if (end) return at;
  }
  throw new Error('the conversation has no end');
}

const all = Object.values(kContents);

export const cases = [
  {
    name: 'in answers, thoughts, calls, results, messages and task lists',
    prepare: server => {
      mkdirSync(join(server.workspace, 'evil'));
      all.forEach((text, at) => writeFileSync(join(server.workspace, `evil/${at}.txt`), text));
      writeFileSync(join(server.workspace, 'AGENTS.md'), all.join('\n\n'));
    },
    async run({ page, server, want, shot }) {
      const turns = all.map((text, at) => ({
        think: text,
        say: text,
        calls: [
          { tool: 'read', id: `r${at}`, arguments: { file_path: `evil/${at}.txt` } },
          { tool: 'todo', id: `t${at}`, arguments: { todos: [{ content: text.slice(0, 400), status: 'pending' }] } },
          { tool: 'brief', id: `b${at}`, arguments: { message: text } },
          { tool: 'write', id: `w${at}`, arguments: { file_path: `made/${at}.html`, content: text } },
          { tool: 'grep', id: `g${at}`, arguments: { pattern: text.slice(0, 60), [text.slice(0, 60)]: text } },
        ],
      }));
      turns.push({ say: 'All of it.' });
      // JSON is YAML.
      await send(page, script(server, JSON.stringify({ turns })), all.join('\n').slice(0, 20_000));
      await ended(page);
      await page.getByText('All of it.').waitFor();
      const screens = await readAll(page, want, 'a conversation');
      want(screens > 20, `only ${screens} screens were read`);
      await shot('end');
    },
  },
  {
    name: 'in tool names, errors, questions, plans and titles',
    async run({ page, server, want, shot, until }) {
      for (const [name, text] of Object.entries(kContents)) {
        if (name === 'long' || name === 'deep markup') continue;
        const model = script(server, JSON.stringify({
          turns: [
            { calls: [{ tool: text, id: 'n', arguments: { x: text } }, { tool: 'read', id: text.slice(0, 50), arguments: text }] },
            { calls: [{ tool: 'ask_user_question', id: 'q', arguments: { question: text, options: [{ label: text.slice(0, 80), description: text }, 'Other'] } }] },
            { calls: [{ tool: 'enter_plan_mode', id: 'e', arguments: { reason: text } }] },
            { calls: [{ tool: 'exit_plan_mode', id: 'p', arguments: { plan: text } }] },
            { say: 'Asked.' },
          ],
        }));
        const { session } = await server.api('POST', '/api/v1/runs', { prompt: text, model, mode: 'edits' });
        await server.api('PATCH', `/api/v1/sessions/${session}`, { title: text.slice(0, 200) });
        await page.goto(`${server.url}/#/chat/${session}`);
        for (let asked = 0; asked < 2; ++asked) {
          const answer = page.locator('.question.open [data-answer]').last();
          await answer.or(page.getByText('Asked.')).first().waitFor();
          await judge(page, want, `a question with ${name}`);
          if (asked === 0 && name === 'a question of the page') await shot('question');
          if (await answer.isVisible()) await answer.click();
          await until(async () => !(await answer.isVisible()) || (await page.getByText('Asked.').isVisible()) || asked === 0, 'the answer did not count');
        }
        await page.getByText('Asked.').waitFor();
        await readAll(page, want, `a session about ${name}`);
      }
      await page.keyboard.press('Control+k');
      await judge(page, want, 'the command palette');
    },
  },
];
