// Settings: every act of a person against the real binary.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { modelServer } from './lib/model_server.mjs';

const open = (page, server, section) => page.goto(`${server.url}/#/settings/${section}`);
const heading = (page, name) => page.getByRole('heading', { name, level: 1, exact: true });
const setting = (page, name) => page.getByRole('region', { name, exact: true });
const configOf = server => join(server.home, '.config/boxagnts');
const own = server => join(configOf(server), 'settings.toml');
const read = path => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const provider = (page, name) => page.getByRole('region', { name });

function writeConfig(server, text) {
  mkdirSync(configOf(server), { recursive: true });
  writeFileSync(join(configOf(server), 'config.toml'), text);
}

export const cases = [
  {
    name: 'a local server of models is found, tested and made the default',
    async run({ page, server, want, shot, axe }) {
      const models = await modelServer();
      try {
        await open(page, server, 'models');
        await page.getByText('No model is chosen yet.', { exact: false }).waitFor();
        const ollama = provider(page, 'Ollama');
        await ollama.getByText('is the server running?', { exact: false }).waitFor();
        await shot('none');
        await axe('models, none found');
        await ollama.getByRole('textbox', { name: 'Address' }).fill(models.url);
        await ollama.getByRole('button', { name: 'Save' }).click();
        await ollama.getByText(`Wrote ${own(server)}`).waitFor();
        await ollama.getByText('answers', { exact: true }).waitFor();
        await ollama.getByText('ollama/llava:7b', { exact: true }).first().waitFor();
        await ollama.getByText('sees images').waitFor();
        await ollama.getByRole('button', { name: 'Test ollama/tiny' }).click();
        await ollama.getByText('“Hello there.”').waitFor();
        await ollama.getByRole('button', { name: 'Make default ollama/tiny' }).click();
        await page.getByRole('region', { name: 'Default model' }).getByText('ollama/tiny', { exact: true }).waitFor();
        await page.getByRole('region', { name: 'Default model' }).getByText(`Wrote ${own(server)}`).waitFor();
        want(read(own(server)).includes('ollama/tiny'), 'the default was not written');
        await shot('found');
        await axe('models that were found');
        // By its name, one that is not there.
        const name = page.getByRole('textbox', { name: /by name/ }).or(page.getByRole('combobox', { name: /by name/ }));
        await name.fill('nowhere');
        await page.getByRole('button', { name: 'Make it the default' }).click();
        await page.getByText('A model\'s name begins with where it is', { exact: false }).waitFor();
        await name.fill('llamacpp/none');
        await page.getByRole('button', { name: 'Test it' }).click();
        await page.getByRole('region', { name: 'Default model' }).getByText('cannot connect', { exact: false }).waitFor();
        // The choice and the address can be taken back.
        await page.getByRole('button', { name: 'Back to default' }).click();
        await page.getByText('No model is chosen yet.', { exact: false }).waitFor();
        want(!read(own(server)).includes('ollama/tiny'), 'the default is still written');
        await ollama.getByRole('button', { name: 'Back to the usual one' }).click();
        await ollama.getByText('does not answer').waitFor();
        want((await ollama.getByRole('textbox', { name: 'Address' }).inputValue()) === 'http://localhost:11434/v1', 'the address is not the usual one');
      } finally {
        await models.end();
      }
    },
  },
  {
    name: 'a key is written, never shown, and dropped with another address',
    async run({ page, server, want, shot, axe }) {
      const secret = 'sk-test-0123456789abcdef';
      const models = await modelServer({ models: ['big-1'], key: secret });
      try {
        await open(page, server, 'models');
        const openai = provider(page, /^OpenAI/);
        await openai.getByRole('textbox', { name: 'Address' }).fill(models.url);
        await openai.getByRole('button', { name: 'Save' }).click();
        await openai.getByText('refused', { exact: true }).waitFor();
        const key = openai.getByLabel(/^Key/);
        want(await key.getAttribute('type') === 'password', 'the key is typed in the open');
        await key.fill(secret);
        await openai.getByRole('button', { name: 'Save' }).click();
        const keys = join(configOf(server), 'keys.toml');
        await openai.getByText(`Wrote ${keys}`, { exact: false }).waitFor();
        await openai.getByText('stored', { exact: true }).waitFor();
        await openai.getByText('openai/big-1', { exact: true }).first().waitFor();
        want((statSync(keys).mode & 0o777) === 0o600, 'others can read the keys');
        want(await key.inputValue() === '', 'the key is still in the field');
        want(!(await page.content()).includes(secret), 'the key is in the page');
        for (const path of ['models', 'settings'])
          want(!JSON.stringify(await server.api('GET', `/api/v1/${path}`)).includes(secret), `the key is in ${path}`);
        await shot('stored');
        await axe('a stored key');
        await openai.getByRole('textbox', { name: 'Address' }).fill('https://api.example.com/v1');
        await openai.getByText('with another address it is dropped', { exact: false }).waitFor();
        await openai.getByRole('textbox', { name: 'Address' }).fill(models.url);
        await openai.getByRole('button', { name: 'Remove' }).click();
        await openai.getByText('no key', { exact: true }).waitFor();
        want(!read(keys).includes(secret), 'the key is still in the file');
      } finally {
        await models.end();
      }
    },
  },
  {
    name: 'the mode is chosen, and says where it is written',
    prepare: server => writeConfig(server, '[agent]\nmode = "plan"\n'),
    async run({ page, server, want, shot, axe, until }) {
      await open(page, server, 'permissions');
      const mode = setting(page, 'Mode');
      want(await mode.getByRole('radio', { name: /^Plan/ }).isChecked(), 'the mode of config.toml is not shown');
      await mode.getByText(`From ${join(configOf(server), 'config.toml')}:2`, { exact: false }).waitFor();
      await shot('mode');
      await axe('permissions');
      await mode.getByRole('radio', { name: /^Edits/ }).check();
      await mode.getByText(`Wrote ${own(server)}`, { exact: false }).waitFor();
      await mode.getByText('It counts for runs that begin from now on.', { exact: false }).waitFor();
      await mode.getByText(/Hides plan from .*config\.toml:2/).waitFor();
      want(/mode = "edits"/.test(read(own(server))), 'the mode was not written');
      await mode.getByRole('button', { name: 'Back', exact: true }).click();
      await mode.getByRole('button', { name: 'Back', exact: true }).waitFor({ state: 'detached' });
      want(await mode.getByRole('radio', { name: /^Plan/ }).isChecked(), 'the mode of config.toml is not back');
      want(!/edits/.test(read(own(server))), 'the mode is still written');
      // What cannot be written says why, and what holds is shown.
      writeFileSync(own(server), 'this is no TOML');
      await mode.getByRole('radio', { name: /^Autonomous/ }).click();
      await mode.getByRole('alert').waitFor();
      await until(() => mode.getByRole('radio', { name: /^Plan/ }).isChecked(), 'a mode is shown that does not hold');
      want(read(own(server)) === 'this is no TOML', 'a file that could not be read was written over');
    },
  },
  {
    name: 'rules are added, counted and deleted',
    prepare: server => writeConfig(server, '[policy]\ndeny = ["write *.lock"]\n'),
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'permissions');
      const form = page.getByRole('form', { name: 'New rule' });
      await page.getByText('write *.lock', { exact: true }).waitFor();
      want(await page.getByRole('button', { name: 'Delete the rule deny write *.lock' }).count() === 0, 'a rule of config.toml can be deleted');
      await form.getByRole('button', { name: 'Add' }).click();
      await form.getByText('The rule needs a pattern', { exact: false }).waitFor();
      await form.getByRole('combobox', { name: 'To what' }).selectOption('text');
      await form.getByRole('textbox').fill('climb trees');
      await form.getByRole('button', { name: 'Add' }).click();
      await form.getByRole('alert').getByText('climb', { exact: false }).waitFor();
      await shot('refused');
      await axe('a rule that is none');
      await form.getByRole('combobox', { name: 'To what' }).selectOption('write');
      await form.getByRole('textbox').fill('docs/**');
      await form.getByText('allow write docs/**').waitFor();
      await form.getByRole('button', { name: 'Add' }).click();
      const rules = join(configOf(server), 'rules.toml');
      await form.getByText(`Wrote ${rules}:`, { exact: false }).waitFor();
      want(read(rules).includes('write docs/**'), 'the rule was not written');
      await page.getByRole('button', { name: 'Delete the rule allow write docs/**' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await page.getByRole('button', { name: 'Delete the rule allow write docs/**' }).waitFor({ state: 'detached' });
      want(!read(rules).includes('write docs/**'), 'the rule is still in the file');
      await page.getByText('Built in', { exact: true }).click();
      await page.getByText('read .env', { exact: true }).waitFor();
      await axe('the built-in rules');
    },
  },
  {
    name: 'the tester explains a decision',
    async run({ page, server, want, shot, axe }) {
      await page.goto(`${server.url}/#/tools/write`);
      await page.getByRole('link', { name: 'what would become of a call?' }).click();
      const tester = page.getByRole('region', { name: 'What would happen?' });
      await tester.getByRole('textbox', { name: 'file_path needed' }).fill('.github/workflows/ci.yml');
      await tester.getByRole('textbox', { name: 'content needed' }).fill('x');
      await tester.getByRole('combobox', { name: 'In mode' }).selectOption('autonomous');
      await tester.getByRole('button', { name: 'Explain' }).click();
      await tester.getByText('It would be asked about').waitFor();
      await tester.getByText('ask write .github', { exact: true }).waitFor();
      await tester.getByRole('heading', { name: 'It would be given' }).waitFor();
      await tester.getByText('As the command line says it').click();
      await tester.scrollIntoViewIfNeeded();
      await shot('asked');
      await axe('an explained decision');
      await tester.getByRole('combobox', { name: 'In mode' }).selectOption('plan');
      await tester.getByRole('button', { name: 'Explain' }).click();
      await tester.getByText('It would be denied').waitFor();
      await tester.getByRole('radio', { name: 'An address' }).check();
      await tester.getByRole('button', { name: 'Explain' }).click();
      await tester.getByText('Type an address', { exact: false }).waitFor();
      await tester.getByRole('textbox', { name: 'Address' }).fill('https://api.example.com/v1');
      await tester.getByRole('combobox', { name: 'In mode' }).selectOption('ask');
      await tester.getByRole('button', { name: 'Explain' }).click();
      await tester.getByText('It would be asked about').waitFor();
      want(!existsSync(join(server.workspace, '.github')), 'the tester ran the call');
    },
  },
  {
    name: 'hosts are allowed, and a wrong one is told',
    flags: ['--offline'],
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'network');
      const hosts = setting(page, 'Hosts that tools may reach');
      await hosts.getByRole('button', { name: /^Add/ }).click();
      await hosts.getByRole('textbox').fill('gopher//nowhere');
      await hosts.getByRole('button', { name: 'Save' }).click();
      await hosts.getByRole('alert').waitFor();
      await hosts.getByRole('textbox').fill('https://api.example.com');
      await hosts.getByRole('button', { name: 'Save' }).click();
      await hosts.getByText(`Wrote ${own(server)}`, { exact: false }).waitFor();
      want(read(own(server)).includes('https://api.example.com'), 'the host was not written');
      await setting(page, 'Offline').getByText('It is set by the command line, --offline', { exact: false }).waitFor();
      want(await setting(page, 'Offline').getByRole('combobox').isDisabled(), 'what the command line set can be changed');
      await shot('hosts');
      await axe('the network');
      await hosts.getByRole('button', { name: 'Back to default' }).click();
      await hosts.getByText('None; this is the default').waitFor();
    },
  },
  {
    name: 'limits are numbers with units, and go back to their defaults',
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'limits');
      const memory = setting(page, "Memory of a tool's call");
      const amount = memory.getByRole('textbox');
      want(await amount.inputValue() === '256', `the memory is ${await amount.inputValue()}`);
      await amount.fill('lots');
      await memory.getByRole('button', { name: 'Save' }).click();
      await memory.getByText('This is not a number.').waitFor();
      await amount.fill('1');
      await memory.getByRole('combobox').selectOption('KiB');
      await memory.getByRole('button', { name: 'Save' }).click();
      await memory.getByText('This is at least 1 MiB.').waitFor();
      await shot('wrong');
      await axe('a wrong limit');
      await amount.fill('512');
      await memory.getByRole('combobox').selectOption('MiB');
      await memory.getByRole('button', { name: 'Save' }).click();
      await memory.getByText(`Wrote ${own(server)}`, { exact: false }).waitFor();
      want(read(own(server)).includes('536870912'), 'the limit was not written');
      await memory.getByText('the default is 256 MiB', { exact: false }).waitFor();
      // Another page of the same server sees it at once.
      const time = setting(page, "Time of a tool's call");
      await server.api('PATCH', '/api/v1/settings', { 'limits.wasm_timeout': 90 });
      await time.getByText(/^From .*settings\.toml:\d+/).waitFor();
      want(await time.getByRole('textbox').inputValue() === '90', 'the change of another page is not shown');
      await memory.getByRole('button', { name: 'Back to default' }).click();
      await memory.getByText('This is the default').waitFor();
      want(await amount.inputValue() === '256', 'the default is not back');
      want(!read(own(server)).includes('536870912'), 'the limit is still written');
    },
  },
  {
    name: 'a change while the server is away is told, and works when it is back',
    async run({ page, server, want }) {
      await open(page, server, 'limits');
      const turns = setting(page, 'Most turns of a run');
      await turns.getByRole('textbox').fill('7');
      await server.end();
      await page.getByText('The connection to the server is lost.', { exact: false }).waitFor();
      await turns.getByRole('button', { name: 'Save' }).click();
      await turns.getByRole('alert').getByText('The server does not answer.', { exact: false }).waitFor();
      await server.start();
      await page.getByText('The connection to the server is lost.', { exact: false }).waitFor({ state: 'detached' });
      want(await turns.getByRole('textbox').inputValue() === '7', 'what was typed is lost');
      await turns.getByRole('button', { name: 'Save' }).click();
      await turns.getByText(`Wrote ${own(server)}`, { exact: false }).waitFor();
      want(/turns_max = 7/.test(read(own(server))), 'the setting was not written');
    },
  },
  {
    name: 'AGENTS.md is written, and a change elsewhere is not overwritten',
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'instructions');
      const mine = page.getByRole('textbox', { name: 'AGENTS.md: Yours' });
      await mine.fill('Be brief.\n');
      await mine.press('Control+s');
      await page.getByText(`Wrote ${join(configOf(server), 'AGENTS.md')}`).waitFor();
      want(read(join(configOf(server), 'AGENTS.md')) === 'Be brief.\n', 'AGENTS.md is not what was typed');
      const file = join(server.workspace, 'AGENTS.md');
      const box = page.getByRole('region', { name: "This workspace's" });
      const text = page.getByRole('textbox', { name: "AGENTS.md: This workspace's" });
      await text.fill('Mine.\n');
      writeFileSync(file, 'Theirs.\n');
      await box.getByRole('button', { name: 'Save', exact: true }).click();
      await box.getByText('changed elsewhere', { exact: false }).waitFor();
      want(read(file) === 'Theirs.\n', 'it was overwritten');
      await shot('conflict');
      await axe('instructions with a conflict');
      await box.getByRole('button', { name: 'Take theirs, drop mine' }).click();
      want(await text.inputValue() === 'Theirs.\n', 'theirs is not shown');
      await text.fill('Both.\n');
      await box.getByRole('button', { name: 'Save', exact: true }).click();
      await box.getByText(`Wrote ${file}`).waitFor();
      want(read(file) === 'Both.\n', 'it was not saved');
    },
  },
  {
    name: 'the theme is chosen, in every tab',
    async run({ page, server, context, want, shot, axe, until }) {
      const other = await context.newPage();
      await other.goto(`${server.url}/#token=${server.token}`);
      await open(page, server, 'appearance');
      await setting(page, 'Theme').getByText('Dark', { exact: true }).click();
      await setting(page, 'Theme').getByText(`Wrote ${own(server)}`, { exact: false }).waitFor();
      for (const one of [page, other]) {
        await one.bringToFront();
        await until(() => one.evaluate(() => document.documentElement.dataset.theme === 'dark'), 'the page is not dark');
      }
      await page.bringToFront();
      want(/theme = "dark"/.test(read(own(server))), 'the theme was not written');
      await axe('the appearance');
      await setting(page, 'Theme').getByRole('button', { name: 'Back to default' }).click();
      await until(() => page.evaluate(() => document.documentElement.dataset.theme === 'light'), 'the page is still dark');
      await setting(page, 'Notifications').waitFor();
      await shot('theme');
    },
  },
  {
    name: 'every section by its address and by the keyboard',
    async run({ page, server, want, shot, axe }) {
      for (const name of ['Models', 'Permissions', 'Network', 'Instructions', 'Limits', 'Appearance', 'About']) {
        await page.keyboard.press('Control+k');
        await page.getByRole('combobox', { name: 'Search commands' }).fill(`settings ${name}`);
        await page.keyboard.press('Enter');
        await heading(page, name).waitFor();
        want(page.url().endsWith(`#/settings/${name.toLowerCase()}`), `the address is ${page.url()}`);
        await page.reload();
        await heading(page, name).waitFor();
      }
      await page.getByText(`BoxAgnts ${(await server.api('GET', '/api/v1/settings')).version}`).waitFor();
      await page.getByText(server.workspace, { exact: true }).waitFor();
      await shot('about');
      await axe('about');
      const [document] = await Promise.all([page.waitForEvent('popup'), page.getByRole('link', { name: '/api/v1/openapi.json' }).click()]);
      await document.getByText('"openapi"', { exact: false }).waitFor();
    },
  },
  {
    name: 'a phone shows every section without going sideways',
    viewport: { width: 390, height: 844 },
    prepare: server => writeConfig(server, `[limits]\nwasm_timeout = 45\n[network]\nallowed_outbound_hosts = ["https://${'long-'.repeat(30)}name.example.com"]\n`),
    async run({ page, server, want, axe }) {
      await server.api('PATCH', '/api/v1/settings', { 'limits.wasm_timeout': 50 });
      for (const section of ['models', 'permissions', 'network', 'instructions', 'limits', 'appearance', 'about']) {
        await open(page, server, section);
        await page.locator('.content-head').getByRole('heading', { level: 1, name: section }).waitFor();
        await page.locator('.page-body .card').first().waitFor();
        want(await page.evaluate(() => [...document.querySelectorAll('.scroll')].every(one => one.scrollWidth <= one.clientWidth)), `${section} is wider than the phone`);
        await axe(`${section} on a phone`);
      }
    },
  },
];
