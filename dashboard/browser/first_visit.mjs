// The first visit of a person who has nothing set up: a working chat in under a minute.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ended, say } from './lib/chat_steps.mjs';
import { modelServer } from './lib/model_server.mjs';

export const cases = [
  {
    name: 'the demo is played, and proposes a file that can be refused',
    async run({ page, server, want, shot, axe }) {
      await page.getByRole('heading', { name: 'Let’s find you a model' }).waitFor();
      await page.getByText('No local server was found').waitFor();
      await shot('welcome');
      await axe('the first visit');
      await page.getByRole('button', { name: 'Play the demo' }).click();
      await page.getByText('BOXAGNTS-TOUR.md').first().waitFor();
      const question = page.locator('.question.open');
      await question.locator('tr.added').first().waitFor();
      await shot('demo');
      await question.getByRole('button', { name: 'No', exact: true }).click();
      await ended(page);
      want((await page.getByRole('log').innerText()).includes('script'), 'the demo does not say what it is');
      await shot('demo-end');
      await axe('the demo');
      let there = true;
      try {
        readFileSync(join(server.workspace, 'BOXAGNTS-TOUR.md'));
      } catch {
        there = false;
      }
      want(!there, 'the file was written in spite of the no');
    },
  },
  {
    name: 'a key is pasted, tried, kept, and the chat works',
    async run({ page, server, want, shot, axe }) {
      const models = await modelServer({ key: 'sk-test-0123456789' });
      try {
        await page.getByLabel('API key').fill('sk-wrong');
        await page.getByLabel(/^Address/).fill(`${models.url}`);
        await page.getByRole('button', { name: 'Use it', exact: true }).click();
        await page.locator('.way [role=alert]').waitFor();
        await axe('a key that is refused');
        await page.getByLabel('API key').fill('sk-test-0123456789');
        await page.getByRole('button', { name: 'Use it', exact: true }).click();
        await page.getByRole('heading', { name: 'What shall be done?' }).waitFor();
        await shot('ready');
        await say(page, 'Hello');
        await ended(page);
        const kept = readFileSync(join(server.home, '.config/boxagnts/keys.toml'), 'utf8');
        want(kept.includes('sk-test-0123456789') && !kept.includes('sk-wrong'), 'the key was not kept as it was last given');
        want(!(await page.content()).includes('sk-test'), 'the key stands in the page');
      } finally {
        await models.end();
      }
    },
  },
];
