// Tools and skills: every act of a person against the real binary.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const open = (page, server, rest) => page.goto(`${server.url}/#/tools${rest ? '/' + rest : ''}`);
const side = page => page.getByRole('navigation', { name: 'Tools and skills' });
const result = page => page.getByRole('region', { name: 'Result' });
const run = page => page.getByRole('button', { name: 'Run', exact: true });

const kSkill = (name, more = '') => `---\nname: ${name}\ndescription: Says hello to whoever asks.\n${more}---\n\n# Hello\n\nSay **hello**\nand no more.\n`;

// Markup, a text that is turned round, one that nobody sees, and an escape of a terminal.
const kEvil = '<img src=x onerror="window.hit=1"><script>window.hit=1</script> \u202egnp.exe\u202c \u200bx \u001b[31mred';

function putSkill(folder, name, text = kSkill(name)) {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'SKILL.md'), text);
}
const skillsOf = server => join(server.workspace, '.agents/skills');

// A module of WebAssembly that is none.
function putBrokenTool(server, name) {
  const folder = join(server.home, '.config/boxagnts/tools');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.wasm`), '#!/bin/sh\necho hello\n');
}

export const cases = [
  {
    name: 'tools are listed, searched and explained',
    async run({ page, server, want, shot, axe }) {
      await open(page, server, '');
      await page.getByRole('heading', { name: 'Tools and skills', level: 1 }).waitFor();
      await page.getByRole('heading', { name: /trust this workspace/ }).waitFor();
      await shot('start');
      await axe('the start of the page');
      await side(page).getByRole('searchbox').fill('fetch page');
      await side(page).getByRole('link', { name: /^web_fetch/ }).waitFor();
      want(await side(page).getByRole('link', { name: /^grep/ }).count() === 0, 'the search leaves all in the list');
      await side(page).getByRole('searchbox').fill('');
      await side(page).getByRole('link', { name: /^grep/ }).click();
      await page.getByRole('heading', { name: 'grep', level: 1 }).waitFor();
      want(page.url().endsWith('#/tools/grep'), `the address is ${page.url()}`);
      await page.getByText('Reads, and changes nothing. It runs in every mode.').waitFor();
      await page.getByText('It reads files in', { exact: false }).waitFor();
      await page.getByText('time: 30.0 s').waitFor();
      await page.getByRole('rowheader', { name: 'pattern needed' }).waitFor();
      await page.getByText('one of content, files_with_matches, count').waitFor();
      await page.getByText('The JSON Schema').click();
      await page.getByText('"additionalProperties": false').waitFor();
      await shot('grep');
      await axe('a tool');
      await page.goto(`${server.url}/#/tools/no_such_tool`);
      await page.getByText('There is no tool “no_such_tool”').waitFor();
    },
  },
  {
    name: 'a form is checked, sent, and says the same as its JSON',
    prepare: server => writeFileSync(join(server.workspace, 'poem.txt'), 'one\ntwo\nthree\nfour\n'),
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'read');
      await page.getByRole('button', { name: 'Try it' }).click();
      const path = page.getByRole('textbox', { name: 'file_path needed' });
      want(await path.evaluate(field => field === document.activeElement), 'the first field has no focus');
      await page.getByText('nothing is asked').waitFor();
      await run(page).click();
      await page.getByText('This may not be empty.').waitFor();
      want(await path.getAttribute('aria-invalid') === 'true', 'the field does not say that it is wrong');
      want(await path.evaluate(field => field === document.activeElement), 'the wrong field has no focus');
      await shot('wrong');
      await axe('a form with something wrong in it');
      await path.fill('poem.txt');
      await page.getByRole('textbox', { name: 'offset' }).fill('two');
      await page.getByRole('textbox', { name: 'limit' }).fill('2');
      await run(page).click();
      await page.getByText('This is not a number.').waitFor();
      await page.getByRole('textbox', { name: 'offset' }).fill('2');
      await page.getByText('The JSON that will be sent').click();
      await page.getByRole('button', { name: 'Edit as JSON' }).click();
      const json = page.getByRole('textbox', { name: 'Arguments of read as JSON' });
      want(JSON.stringify(JSON.parse(await json.inputValue())) === '{"file_path":"poem.txt","offset":2,"limit":2}', await json.inputValue());
      await json.fill('{"file_path": "poem.txt", "offset": 3, "limit": 0}');
      await json.press('Control+Enter');
      await page.getByText('limit: This is at least 1.').waitFor();
      await json.fill('{"file_path": "poem.txt", "offset": 3, "limit": 1');
      await page.getByRole('button', { name: 'Back to the form' }).click();
      await page.getByText('This is not JSON', { exact: false }).waitFor();
      await json.fill('{"file_path": "poem.txt", "offset": 3, "limit": 1}');
      await page.getByRole('button', { name: 'Back to the form' }).click();
      want(await page.getByRole('textbox', { name: 'offset' }).inputValue() === '3', 'the form does not have the value of the JSON');
      await page.getByRole('textbox', { name: 'offset' }).press('Control+Enter');
      await result(page).getByText('Done', { exact: true }).waitFor();
      await result(page).getByText('three').waitFor();
      want(await result(page).getByText('two').count() === 0, 'the arguments of the form did not arrive');
      await result(page).getByRole('button', { name: 'Copy' }).click();
      want((await page.evaluate(() => navigator.clipboard.readText())).includes('three'), 'the result was not copied');
      await result(page).scrollIntoViewIfNeeded();
      await shot('result');
      await axe('a result');
    },
  },
  {
    name: 'lists, choices and objects are typed in',
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'todo');
      await page.getByRole('button', { name: 'Add to todos' }).click();
      await page.getByRole('textbox', { name: 'content needed' }).fill('Sweep');
      await page.getByRole('combobox', { name: 'status needed' }).selectOption('in_progress');
      await page.getByRole('button', { name: 'Add to todos' }).click();
      await page.getByRole('button', { name: 'Remove todos 2' }).click();
      want(await page.getByRole('textbox', { name: 'content needed' }).inputValue() === 'Sweep', 'the wrong entry went');
      await page.getByText('The JSON that will be sent').click();
      await page.getByText('"status": "in_progress"').waitFor();
      await shot('list');
      await axe('a form with a list');
      await run(page).click();
      await result(page).getByText('Done', { exact: true }).waitFor();
      await open(page, server, 'skill');
      await page.getByRole('textbox', { name: 'skill needed' }).fill('current-weather');
      await page.getByRole('combobox', { name: 'Kind of args' }).selectOption({ label: 'object' });
      await page.getByRole('textbox', { name: 'args' }).fill('{"city": "Bonn"}');
      await run(page).click();
      await result(page).getByText('Bonn', { exact: false }).waitFor();
    },
  },
  {
    name: 'what a call changed is shown as a diff',
    prepare: server => writeFileSync(join(server.workspace, 'a.txt'), 'hi\n'),
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'write');
      await page.getByRole('textbox', { name: 'file_path needed' }).fill('a.txt');
      await page.getByRole('textbox', { name: 'content needed' }).fill('hi\nthere\n');
      await run(page).click();
      await result(page).getByText('Done', { exact: true }).waitFor();
      want(readFileSync(join(server.workspace, 'a.txt'), 'utf8') === 'hi\nthere\n', 'the file is not what was typed');
      await result(page).getByRole('heading', { name: 'Changed 1 file' }).waitFor();
      await result(page).locator('tr.added').getByText('there').waitFor();
      await result(page).scrollIntoViewIfNeeded();
      await shot('changed');
      await axe('a result with a diff');
    },
  },
  {
    name: 'pictures of a result are shown',
    prepare: server => writeFileSync(join(server.workspace, 'dot.png'), Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')),
    async run({ page, server, want, axe }) {
      await open(page, server, 'read');
      await page.getByRole('textbox', { name: 'file_path needed' }).fill('dot.png');
      await run(page).click();
      const picture = result(page).getByRole('img', { name: 'Picture 1 of the result, image/png' });
      await picture.waitFor();
      want(await picture.evaluate(image => image.decode().then(() => image.naturalWidth)) === 1, 'the picture is not drawn');
      await axe('a result with a picture');
    },
  },
  {
    name: 'a call is cancelled',
    async run({ page, server, want, shot }) {
      await open(page, server, 'sleep');
      await page.getByRole('textbox', { name: 'ms needed' }).fill('300000');
      await run(page).click();
      await page.getByRole('button', { name: 'Cancel' }).waitFor();
      await page.locator('form').getByText(/^\d+ ms$|^[\d.]+ s$/).waitFor();
      await shot('running');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByText('Cancelled after', { exact: false }).waitFor();
      // Its place at the server is free again, many times over.
      await page.getByRole('textbox', { name: 'ms needed' }).fill('1');
      for (let at = 0; at < 5; ++at) {
        await run(page).click();
        await result(page).getByText('Done', { exact: true }).waitFor();
        want(await page.getByRole('alert').count() === 0, 'the server has no place for the call');
      }
    },
  },
  {
    name: 'hostile text of a tool is text',
    prepare: server => writeFileSync(join(server.workspace, 'x.txt'),
      '<img src=x onerror="window.hit=1"><script>window.hit=1</script>\n\u001b]8;;http://evil.test\u0007link\u001b]8;;\u0007 \u202egnp.exe\u202c \u200bx\n'),
    async run({ page, server, want }) {
      await open(page, server, 'read');
      await page.getByRole('textbox', { name: 'file_path needed' }).fill('x.txt');
      await run(page).click();
      await result(page).getByText('<img src=x onerror="window.hit=1">', { exact: false }).waitFor();
      await result(page).getByText('⟨U+202E⟩gnp.exe', { exact: false }).waitFor();
      want(!(await result(page).innerText()).includes('\u001b'), 'an escape is in the page');
      want(await page.evaluate(() => window.hit) === undefined, 'the text ran');
      want(await result(page).locator('img, script, a').count() === 0, 'the text made elements');
    },
  },
  {
    name: 'a broken tool says why, and comes and goes as its file does',
    prepare: server => putBrokenTool(server, 'torn'),
    async run({ page, server, want, shot, axe }) {
      await open(page, server, '');
      await side(page).getByRole('link', { name: /^torn.*broken/ }).click();
      await page.getByRole('heading', { name: 'It cannot be used' }).waitFor();
      want(await page.getByRole('button', { name: 'Try it' }).count() === 0, 'a broken tool can be tried');
      await shot('broken');
      await axe('a broken tool');
      putBrokenTool(server, 'later');
      await side(page).getByRole('link', { name: /^later.*broken/ }).waitFor();
    },
  },
  {
    name: 'a skill is made, edited, checked, tried and deleted',
    async run({ page, server, want, shot, axe }) {
      await open(page, server, '');
      await side(page).getByRole('link', { name: 'New' }).click();
      const name = page.getByRole('textbox', { name: /^Name/ });
      await name.fill('Say Hello');
      await page.getByText('A name holds lower-case letters a to z, digits and hyphens.').waitFor();
      await axe('a new skill with a wrong name');
      await name.fill('say-hello');
      await page.getByRole('textbox', { name: /^What it does/ }).fill('Says "hello": politely');
      await shot('new');
      await page.getByRole('button', { name: 'Make it' }).click();
      await page.getByRole('heading', { name: 'say-hello', level: 1 }).waitFor();
      const file = join(skillsOf(server), 'say-hello/SKILL.md');
      want(readFileSync(file, 'utf8').includes('description: "Says \\"hello\\": politely"'), 'the template does not have the description');
      await page.getByText('Says "hello": politely').waitFor();
      await page.getByRole('button', { name: 'Edit', exact: true }).click();
      const text = page.getByRole('textbox', { name: 'Text of SKILL.md' });
      await page.getByText('Nothing is wrong with it.').waitFor();
      await text.fill('---\nname: say-hello\ncolour: red\n---\n\n# Hello\n');
      await page.getByText('description is missing').waitFor();
      await page.getByRole('button', { name: 'line 3' }).click();
      want(await text.evaluate(field => field.value.slice(field.selectionStart, field.selectionEnd)) === 'colour: red', 'the line is not shown');
      await shot('edit');
      await axe('a skill that is edited');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByRole('alert').getByText('description', { exact: false }).waitFor();
      want(readFileSync(file, 'utf8').includes('politely'), 'a broken text was saved');
      await text.fill(kSkill('say-hello'));
      await page.getByText('Nothing is wrong with it.').waitFor();
      await text.press('Control+s');
      await page.getByText(`Wrote ${file}`).waitFor();
      want(readFileSync(file, 'utf8') === kSkill('say-hello'), 'the file is not what was typed');
      await page.getByRole('button', { name: 'Read', exact: true }).click();
      await page.getByRole('heading', { name: 'Hello', exact: true }).waitFor();
      await shot('read');
      await axe('a skill that is read');
      await page.getByRole('button', { name: 'Try in the chat' }).click();
      want(await page.getByRole('textbox', { name: 'Message' }).inputValue() === '/say-hello ', 'the chat is not prepared');
      await open(page, server, 'skill/say-hello');
      await page.getByRole('button', { name: 'Delete this skill' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await side(page).getByRole('link', { name: /^say-hello/ }).waitFor({ state: 'detached' });
      want(!existsSync(file), 'the skill is still there');
    },
  },
  {
    name: 'a skill that was changed elsewhere is not overwritten unseen',
    prepare: server => putSkill(skillsOf(server), 'say-hello'),
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'skill/say-hello');
      await page.getByRole('button', { name: 'Edit', exact: true }).click();
      const text = page.getByRole('textbox', { name: 'Text of SKILL.md' });
      await text.fill(kSkill('say-hello') + 'Mine.\n');
      const file = join(skillsOf(server), 'say-hello/SKILL.md');
      writeFileSync(file, kSkill('say-hello') + 'Theirs.\n');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByText('changed elsewhere', { exact: false }).waitFor();
      want(readFileSync(file, 'utf8').endsWith('Theirs.\n'), 'it was overwritten');
      await page.getByText('What is stored now').click();
      await page.getByText('Theirs.', { exact: false }).first().waitFor();
      await shot('conflict');
      await axe('a conflict');
      await page.getByRole('button', { name: 'Save mine over it' }).click();
      await page.getByText(`Wrote ${file}`).waitFor();
      want(readFileSync(file, 'utf8').endsWith('Mine.\n'), 'mine was not saved');
      // What is not saved outlives a look at another page.
      await text.fill(kSkill('say-hello') + 'Half a thou');
      await page.getByRole('link', { name: 'Settings' }).click();
      await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor();
      await open(page, server, 'skill/say-hello');
      want((await text.inputValue()).endsWith('Half a thou'), 'what was typed is lost');
      await page.getByRole('button', { name: 'Drop my changes' }).click();
      want((await text.inputValue()).endsWith('Mine.\n'), 'what is stored is not shown');
    },
  },
  {
    name: 'hidden and broken skills say why, and trust changes it',
    prepare: server => {
      putSkill(skillsOf(server), 'code-review');
      putSkill(skillsOf(server), 'torn', '---\nname: other\n---\n<script>window.hit=1</script>');
    },
    async run({ page, server, want, shot, axe }) {
      await open(page, server, 'skill/torn');
      await page.getByText('It cannot be used', { exact: true }).waitFor();
      await page.getByText('SKILL.md:2', { exact: false }).first().waitFor();
      want(await page.getByRole('button', { name: 'Try in the chat' }).count() === 0, 'a broken skill can be tried');
      await shot('broken');
      await side(page).getByRole('link', { name: /^code-review.*not used/ }).click();
      await page.getByText('It is not used', { exact: true }).waitFor();
      await shot('hidden');
      await axe('a hidden skill');
      await page.getByRole('button', { name: 'Trust it', exact: true }).click();
      await page.getByText('It is not used', { exact: true }).waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Try in the chat' }).waitFor();
      await side(page).getByRole('link', { name: /^code-review.*not used/ }).waitFor();  // now the built-in one
    },
  },
  {
    name: 'hostile skills, rules and instructions are text',
    prepare: server => {
      putSkill(skillsOf(server), 'evil', `---\nname: evil\ndescription: ${JSON.stringify(kEvil)}\nwhen_to_use: ${JSON.stringify(kEvil)}\n---\n\n` +
        `${kEvil}\n\n[run](javascript:window.hit=1) ![x](http://evil.test/x.png)\n\n<svg onload="window.hit=1"></svg>\n`);
      writeFileSync(join(skillsOf(server), 'evil', '<img src=x onerror=window.hit=1>.md'), 'x');
      mkdirSync(join(skillsOf(server), '<b>x\u202eno'));
      writeFileSync(join(skillsOf(server), '<b>x\u202eno', 'SKILL.md'), kEvil);
      writeFileSync(join(server.workspace, 'AGENTS.md'), kEvil);
      mkdirSync(join(server.workspace, '.boxagnts'), { recursive: true });
      writeFileSync(join(server.workspace, '.boxagnts/config.toml'), `[policy]\ndeny = [${JSON.stringify('write ' + kEvil.split(' \u001b')[0])}]\n`);
    },
    async run({ page, server, want, until }) {
      const clean = async what => {
        want(await page.evaluate(() => window.hit) === undefined, `${what}: it ran`);
        want(await page.locator('main :is(img, script, iframe)').count() === 0, `${what}: it made elements`);
        want(await page.locator('main a[href^="javascript"]').count() === 0, `${what}: it made a link that runs`);
        want(!/[\u202e\u200b\u001b]/.test(await page.locator('#app').innerText()), `${what}: something unseen is shown as it is`);
      };
      await open(page, server, 'skill/evil');
      await page.getByText('⟨U+202E⟩gnp.exe', { exact: false }).first().waitFor();
      await until(async () => (await page.locator('.prose').innerText()).includes('<svg onload'), 'the body is not shown');
      await clean('a skill');
      for (const view of ['Source', 'Edit']) {
        await page.getByRole('button', { name: view, exact: true }).click();
        await clean(view);
      }
      await side(page).getByRole('link', { name: /^<b>x⟨U\+202E⟩no/ }).click();
      await page.getByText('It cannot be used', { exact: true }).waitFor();
      await clean('a broken skill');
      await page.goto(`${server.url}/#/settings/permissions`);
      await page.getByText('write <img src=x', { exact: false }).first().waitFor();
      await clean('rules');
      await page.goto(`${server.url}/#/settings/instructions`);
      await page.getByRole('textbox', { name: "AGENTS.md: This workspace's" }).waitFor();
      await clean('instructions');
    },
  },
  {
    name: 'a built-in skill is copied to be changed',
    async run({ page, server, want }) {
      await open(page, server, 'skill/code-review');
      want(await page.getByRole('button', { name: 'Edit', exact: true }).count() === 0, 'a built-in skill can be edited');
      await page.getByRole('button', { name: 'Make my own copy to change' }).click();
      await page.getByRole('button', { name: 'Edit', exact: true }).click();
      want(existsSync(join(server.home, '.config/boxagnts/skills/code-review/SKILL.md')), 'there is no copy');
    },
  },
  {
    name: 'on a phone the list covers the page and goes again',
    viewport: { width: 390, height: 844 },
    async run({ page, server, want }) {
      await open(page, server, '');
      await page.getByRole('button', { name: 'Show the list' }).first().click();
      await side(page).getByRole('link', { name: /^write/ }).click();
      await page.getByRole('heading', { name: 'write', level: 1 }).waitFor();
      await side(page).waitFor({ state: 'hidden' });
      want(await page.evaluate(() => [...document.querySelectorAll('.scroll')].every(one => one.scrollWidth <= one.clientWidth)), 'the page is wider than the phone');
    },
  },
];
