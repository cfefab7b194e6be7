// The list of sessions, and what a page keeps over reloads, tabs and restarts.
import { readFileSync } from 'node:fs';

import { ended, eventsOf, say, script, send, sessionOf } from './lib/chat_steps.mjs';

const kTalk = 'conversations:\n  - turns: [{say: "Answer one."}]\n  - turns: [{say: "Answer two."}]\n';
const kTurns = `
  - say: "${Array.from({ length: 60 }, (_, at) => `first${at}.`).join(' ')}"
    pace_ms: 25
    calls: [{tool: glob, id: g, arguments: {pattern: "**/*"}}]
  - say: "${Array.from({ length: 60 }, (_, at) => `second${at}.`).join(' ')}"
    pace_ms: 25
`;
const kSlow = 'turns:' + kTurns;
const kSlowThenBack = 'conversations:\n  - turns:' + kTurns.replaceAll('\n', '\n    ') + '\n  - turns: [{say: "Back again."}]\n';

async function menu(page, title, entry) {
  const row = page.getByRole('listitem').filter({ hasText: title });
  await row.hover();
  await row.getByRole('button', { name: `Acts on ${title}` }).click();
  await page.getByRole('menuitem', { name: entry }).click();
}

// How often a text stands in the conversation.
const count = async (page, text) => (await page.getByRole('log').innerText()).split(text).length - 1;

export const cases = [
  {
    name: 'rename, export, fork, delete',
    async run({ page, server, want, shot, axe, until }) {
      await send(page, script(server, kTalk), 'A question about cats');
      await ended(page);
      const session = await sessionOf(page);
      await menu(page, 'A question about cats', 'Rename…');
      await page.getByRole('textbox', { name: 'Title' }).fill('Cats');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Cats' }).waitFor();
      want((await server.api('GET', `/api/v1/sessions/${session}`)).title === 'Cats', 'the server does not know the title');
      const file = page.waitForEvent('download');
      await menu(page, 'Cats', 'Export');
      const lines = readFileSync(await (await file).path(), 'utf8').trim().split('\n');
      want(lines.length === (await eventsOf(server, session)).length, 'the export is not whole');
      await menu(page, 'Cats', 'Fork');
      await until(async () => (await sessionOf(page)) !== session, 'the fork was not opened');
      want((await page.getByRole('complementary', { name: 'Sessions' }).getByRole('link').count()) === 2, 'the fork is not in the list');
      await shot('list');
      await axe('the list');
      const fork = await sessionOf(page);
      await page.getByRole('button', { name: 'Acts on this session' }).click();
      await page.getByRole('menuitem', { name: 'Delete…' }).click();
      await axe('the question whether to delete');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Acts on this session' }).click();
      await page.getByRole('menuitem', { name: 'Delete…' }).click();
      await page.getByRole('button', { name: 'Delete session' }).click();
      await page.getByRole('heading', { name: 'New chat' }).waitFor();
      want((await server.api('GET', '/api/v1/sessions')).sessions.every(one => one.id !== fork), 'it is still there');
    },
  },
  {
    name: 'search and tags',
    async run({ page, server, want, shot, axe, until }) {
      const model = script(server, kTalk);
      await send(page, model, 'All about cats');
      await ended(page);
      await page.getByRole('button', { name: 'New chat' }).click();
      await send(page, model, 'All about dogs');
      await ended(page);
      await menu(page, 'All about dogs', 'Tags…');
      await page.getByRole('textbox', { name: 'Tags, separated by commas' }).fill('pets, work, pets');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'pets' }).click();
      const links = page.getByRole('complementary', { name: 'Sessions' }).getByRole('link');
      await until(async () => (await links.count()) === 1, 'the tag does not filter');
      want((await links.first().innerText()).includes('dogs'), 'the wrong one');
      await shot('tag');
      await axe('the list with tags');
      await page.getByRole('button', { name: 'pets' }).click();
      await page.getByRole('searchbox', { name: 'Search sessions' }).fill('cats');
      await until(async () => (await links.count()) === 1 && (await links.first().innerText()).includes('cats'), 'the search does not find it');
      await page.getByRole('searchbox', { name: 'Search sessions' }).fill('no such words');
      await page.getByText('No session has that.').waitFor();
      await page.keyboard.press('Escape');
      await until(async () => (await links.count()) === 2, 'the whole list did not come back');
    },
  },
  {
    name: 'a reload, a second tab and another page in the middle of an answer',
    async run({ page, server, want, context, until }) {
      await send(page, script(server, kSlow), 'Talk slowly');
      await page.getByText('first5.').first().waitFor();
      const second = await context.newPage();
      await second.goto(page.url());
      await second.getByText('first5.').first().waitFor();
      await page.reload();
      await page.getByText('first5.').first().waitFor();
      await page.getByRole('link', { name: 'Settings' }).click();
      await page.getByRole('link', { name: /^Chat/ }).click();
      for (const one of [page, second]) {
        await one.getByText('second59.').waitFor();
        await ended(one);
        for (const text of ['first0.', 'first59.', 'second0.', 'second59.'])
          want((await count(one, text)) === 1, `${text} stands there ${await count(one, text)} times`);
      }
      // What one tab does the other shows.
      await say(second, '/rename Renamed elsewhere');
      await until(async () => (await page.getByRole('complementary', { name: 'Sessions' }).innerText()).includes('Renamed elsewhere'), 'the other tab does not know the new title');
    },
  },
  {
    name: 'the server is killed in the middle of a run, and comes back',
    async run({ page, server, want }) {
      await send(page, script(server, kSlowThenBack), 'Talk slowly');
      await page.getByText('second5.').first().waitFor();
      await server.end('SIGKILL');
      await page.getByText('The connection to the server is lost').waitFor();
      await server.start();
      await page.getByText('The connection to the server is lost').waitFor({ state: 'hidden' });
      want((await count(page, 'first59.')) === 1, 'what was finished is lost or doubled');
      // The session goes on; the run that died is closed and says so.
      await say(page, 'Go on');
      await page.getByText('Back again.').waitFor();
      await ended(page, 2);
      await page.getByText(/interrupted/).first().waitFor();
      want((await count(page, 'first59.')) === 1, 'what was finished is doubled');
    },
  },
  {
    name: 'the network goes and comes back in the middle of a run',
    async run({ page, server, want, context }) {
      await send(page, script(server, kSlow), 'Talk slowly');
      await page.getByText('first5.').first().waitFor();
      await context.setOffline(true);
      await page.evaluate(() => window.dispatchEvent(new Event('offline')));
      await context.setOffline(false);
      await page.getByText('second59.').waitFor();
      await ended(page);
      for (const text of ['first0.', 'first59.', 'second59.'])
        want((await count(page, text)) === 1, `${text} stands there ${await count(page, text)} times`);
    },
  },
];
