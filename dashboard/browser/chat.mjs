// The chat: every act of a person against the real binary with the scripted model.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { box, call, ended, eventsOf, say, script, send, sessionOf } from './lib/chat_steps.mjs';

const kJob = `
turns:
  - think: "First I look around."
    say: "I look around."
    calls:
      - {tool: glob, id: find, arguments: {pattern: "**/*"}}
    usage: {input_tokens: 900, output_tokens: 21}
  - calls:
      - {tool: write, id: report, arguments: {file_path: out/report.md, content: "# Report\\n\\nAll is well.\\n"}}
    usage: {input_tokens: 1200, output_tokens: 80}
  - say: "# Done\\n\\n| file | lines |\\n|---|---:|\\n| report.md | 3 |\\n\\n\`\`\`cpp\\nint main() { return 0; }\\n\`\`\`\\n"
    usage: {input_tokens: 1300, output_tokens: 15}
`;
const kWrite = (path, content, then = 'It was: {{result}}') => `
conversations:
  - turns:
      - calls: [{tool: write, id: w, arguments: {file_path: ${path}, content: "${content}"}}]
      - say: "${then}"
  - turns:
      - calls: [{tool: write, id: w2, arguments: {file_path: second.txt, content: "two\\n"}}]
      - say: "Second: {{result}}"
`;

export const cases = [
  {
    name: 'the end stays in sight until somebody scrolls up',
    async run({ page, server, want, until }) {
      const log = page.getByRole('log');
      const fromEnd = () => log.evaluate(place => place.scrollHeight - place.scrollTop - place.clientHeight);
      const turns = Array.from({ length: 40 }, (_, at) => `
  - say: "# Turn ${at}\\n\\n- a\\n- b\\n\\n${'words '.repeat((at * 37) % 200)}"
    calls: [{tool: glob, id: g${at}, arguments: {pattern: "**/*"}}]`).join('');
      await send(page, script(server, `conversations:\n- turns:${turns}\n  - say: "The end."\n- turns:${turns}\n  - say: "Again."\n`), 'Talk');
      await page.getByText('The end.').waitFor();
      await ended(page);
      await until(async () => (await fromEnd()) < 60, 'the end is out of sight');
      await log.hover();
      await page.mouse.wheel(0, -3000);
      await page.getByRole('button', { name: 'To the end' }).waitFor();
      const place = await log.evaluate(one => one.scrollTop);
      await server.api('POST', '/api/v1/runs', { prompt: 'More', session: await sessionOf(page), model: `scripted/${join(server.home, 'model.yaml')}`, mode: 'edits' });
      await until(async () => (await eventsOf(server, await sessionOf(page))).filter(event => event.kind === 'run_ended').length === 2, 'the second run has no end');
      await until(async () => (await fromEnd()) > 3500, 'what is new is not there');
      want(Math.abs((await log.evaluate(one => one.scrollTop)) - place) < 400, 'who reads above was moved');
      await page.getByRole('button', { name: 'To the end' }).click();
      await page.getByText('Again.').waitFor();
      await until(async () => (await fromEnd()) < 60, 'the button does not lead to the end');
    },
  },
  {
    name: 'a job from the first word to the last',
    prepare: server => {
      mkdirSync(join(server.workspace, 'src'));
      writeFileSync(join(server.workspace, 'src/main.c'), 'int main() { return 0; }\n');
    },
    async run({ page, server, want, shot, axe }) {
      await shot('empty');
      await axe('the empty chat');
      await send(page, script(server, kJob), 'Write a report');
      await page.getByRole('cell', { name: 'report.md' }).waitFor();
      await ended(page);
      want(readFileSync(join(server.workspace, 'out/report.md'), 'utf8').includes('All is well.'), 'the file was not written');
      await page.locator('.hljs-keyword, .hljs-type').first().waitFor();
      await page.locator('.run-end').getByText('3 turns').waitFor();
      await page.getByText('3400 tokens in, 116 out').first().waitFor();
      await call(page, 'write').getByRole('button').first().click();
      await call(page, 'write').locator('tr.added').first().waitFor();
      await page.getByRole('button', { name: 'Thought' }).click();
      await page.getByText('First I look around.').last().waitFor();
      await page.getByRole('button', { name: 'Copy', exact: true }).click();
      await page.getByRole('button', { name: 'Copied' }).waitFor();
      want((await page.evaluate(() => navigator.clipboard.readText())).includes('int main'), 'the code was not copied');
      await shot('job');
      await axe('a finished job');
    },
  },
  {
    name: 'an answer is shown as it comes, and can be stopped',
    async run({ page, server, want, shot, axe }) {
      const words = Array.from({ length: 4000 }, (_, at) => `word${at}`).join(' ');
      await send(page, script(server, `turns: [{think: "Let me think about it.", say: "${words}", pace_ms: 30}]`), 'Talk');
      await page.getByText('word3', { exact: false }).first().waitFor();
      want(!(await page.getByRole('log').innerText()).includes('word3999'), 'all of it was there at once');
      want(await page.locator('.spinner').first().isVisible(), 'nothing says that it works');
      await shot('streaming');
      await axe('an answer that comes');
      await page.getByRole('button', { name: 'Stop', exact: true }).click();
      await page.getByText('Stopped.').or(page.getByText(/cancelled/)).first().waitFor();
      await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
      want((await page.getByRole('log').innerText()).includes('word3'), 'what was said before is gone');
    },
  },
  {
    name: 'a change is asked about with its diff: yes, and no with a word',
    async run({ page, server, want, shot, axe, until }) {
      await send(page, script(server, kWrite('one.txt', 'first\\n')), 'Write', 'ask');
      const question = page.locator('.question.open');
      await question.waitFor();
      await question.locator('tr.added').getByText('first').waitFor();
      want(!existsSync(join(server.workspace, 'one.txt')), 'it was written before the answer');
      await until(async () => (await page.title()).startsWith('(1)'), 'the title does not tell of the question');
      await page.getByRole('img', { name: 'waits for an answer' }).waitFor();
      await shot('question');
      await axe('a question');
      await question.getByRole('button', { name: 'Apply', exact: true }).click();
      await ended(page);
      want(readFileSync(join(server.workspace, 'one.txt'), 'utf8') === 'first\n', 'it was not written');
      await until(async () => !(await page.title()).startsWith('('), 'the title still tells of it');
      await say(page, 'And the second');
      await page.locator('.question.open').waitFor();
      await page.getByRole('textbox', { name: 'A word to the model' }).fill('Not into this folder, please');
      await page.locator('.question.open').getByRole('button', { name: 'No' }).click();
      await ended(page, 2);
      want(!existsSync(join(server.workspace, 'second.txt')), 'it was written in spite of the no');
      want((await page.getByRole('log').innerText()).includes('Not into this folder, please'), 'the model was not told why');
    },
  },
  {
    name: 'for this run, and always',
    async run({ page, server, want }) {
      await send(page, script(server, `
turns:
  - calls: [{tool: write, id: a, arguments: {file_path: docs/a.txt, content: "a\\n"}}]
  - calls: [{tool: write, id: b, arguments: {file_path: docs/b.txt, content: "b\\n"}}]
  - say: "Both."
`), 'Write both', 'ask');
      await page.getByRole('button', { name: 'For this run' }).click();
      await page.getByText('Both.').waitFor();
      want(existsSync(join(server.workspace, 'docs/b.txt')), 'the second was not covered');
      await page.getByRole('button', { name: 'New chat' }).click();
      await send(page, script(server, `
turns:
  - calls: [{tool: write, id: a, arguments: {file_path: docs/c.txt, content: "c\\n"}}]
  - say: "Written."
`, 'other'), 'Write again', 'ask');
      await page.getByRole('button', { name: 'Always', exact: true }).click();
      await page.getByText(/From now on: .*write/).waitFor();
      await ended(page);
      want(readFileSync(join(server.home, '.config/boxagnts/rules.toml'), 'utf8').includes('docs'), 'no rule was written');
    },
  },
  {
    name: 'questions of the model and plans',
    async run({ page, server, want, shot, axe }) {
      await send(page, script(server, `
turns:
  - calls: [{tool: ask_user_question, id: q, arguments: {question: "Which colour?", options: [{label: Red, description: warm}, {label: Blue, description: cool}], multiple: true}}]
  - say: "So: {{result}}"
    calls: [{tool: enter_plan_mode, id: e, arguments: {reason: "It is large"}}]
  - calls: [{tool: exit_plan_mode, id: p, arguments: {plan: "# The plan\\n\\n1. First **this**\\n2. Then that"}}]
  - say: "Agreed: {{result}}"
`), 'Ask me', 'edits');
      await page.getByRole('checkbox', { name: /Red/ }).check();
      await page.getByRole('checkbox', { name: /Blue/ }).check();
      await page.getByRole('textbox', { name: 'Your answer' }).fill('and a little green');
      await shot('choices');
      await axe('choices');
      await page.getByRole('button', { name: 'Answer', exact: true }).click();
      await page.getByRole('heading', { name: 'The plan' }).waitFor();
      const told = await page.getByRole('log').innerText();
      want(/So:.*Red/s.test(told) && told.includes('and a little green'), `the answer did not come through: ${told.slice(-800)}`);
      await shot('plan');
      await axe('a plan');
      await page.getByRole('button', { name: 'Agree' }).click();
      await page.getByText(/^Agreed:/).waitFor();
      await ended(page);
    },
  },
  {
    name: 'a host that no rule allows is asked about',
    async run({ page, server, want, shot }) {
      await send(page, script(server, `
turns:
  - calls: [{tool: web_fetch, id: f, arguments: {url: "https://dashboard.invalid/page"}}]
  - say: "It said: {{result}}"
`), 'Fetch', 'edits');
      await page.getByText(/dashboard\.invalid/).first().waitFor();
      await page.locator('.question.open').getByText(/connect to .*dashboard\.invalid/).first().waitFor();
      await shot('connection');
      await page.locator('.question.open').getByRole('button', { name: 'No', exact: true }).click();
      await ended(page);
      want(/not allowed|denied|refused|no/.test(await page.getByRole('log').innerText()), 'nothing says that it was refused');
    },
  },
  {
    name: 'a message is edited and sent again in a fork',
    async run({ page, server, want, until }) {
      const model = script(server, 'conversations:\n  - turns: [{say: "Answer one."}]\n  - turns: [{say: "Answer two."}]\n  - turns: [{say: "Answer three."}]\n');
      await send(page, model, 'Question one');
      await page.getByText('Answer one.').waitFor();
      await ended(page);
      await say(page, 'Question two');
      await page.getByText('Answer two.').waitFor();
      await ended(page, 2);
      const before = await sessionOf(page);
      const events = (await eventsOf(server, before)).length;
      await page.getByText('Question two').last().hover();
      await page.getByRole('button', { name: 'Edit and send again' }).last().click();
      await page.getByRole('textbox', { name: 'Edit the message' }).fill('Question two, better');
      await page.getByRole('button', { name: 'Send in a fork' }).click();
      await until(async () => (await sessionOf(page)) !== before, 'no other session was opened');
      await page.getByText('Question two, better').last().waitFor();
      await ended(page, 2);
      const text = await page.getByRole('log').innerText();
      want(text.includes('Question one') && text.includes('Answer one.'), 'the fork does not begin as the other');
      want(!/Question two$/m.test(text), 'the message that was replaced is there');
      want((await eventsOf(server, before)).length === events, 'the other session was changed');
      // The first message: there is nothing to take over.
      await page.getByText('Question one').last().hover();
      await page.getByRole('button', { name: 'Edit and send again' }).first().click();
      await page.getByRole('textbox', { name: 'Edit the message' }).fill('Another beginning');
      await page.keyboard.press('Enter');
      await page.getByText('Another beginning').last().waitFor();
      await ended(page);
      want(!(await page.getByRole('log').innerText()).includes('Question one'), 'the new session is not empty');
    },
  },
  {
    name: 'fork, diff, undo and redo',
    async run({ page, server, want, shot, axe, until }) {
      const path = join(server.workspace, 'one.txt');
      await send(page, script(server, kWrite('one.txt', 'first\\n', 'Done.')), 'Write');
      await page.getByText('Done.').waitFor();
      await ended(page);
      const act = async name => {
        await page.getByRole('button', { name: 'Acts on this session' }).click();
        await page.getByRole('menuitem', { name }).click();
      };
      await act('Show all changes');
      await page.getByRole('dialog').locator('tr.added').getByText('first').waitFor();
      await shot('changes');
      await axe('the dialog of changes');
      await page.keyboard.press('Escape');
      await act('Undo the last change');
      await page.getByText('Undone: 1 file.').waitFor();
      want(!existsSync(path), 'the file is still there');
      await page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Redo' }).click();
      await until(() => existsSync(path), 'the file did not come back');
      // Another hand was there meanwhile: told, and left alone.
      writeFileSync(path, 'mine\n');
      await say(page, '/undo');
      await page.getByRole('region', { name: 'Messages' }).getByText(/one\.txt/).waitFor();
      want(readFileSync(path, 'utf8') === 'mine\n', 'a file of the person was overwritten');
      const before = await sessionOf(page);
      await act('Fork');
      await until(async () => (await sessionOf(page)) !== before, 'no fork was opened');
      await page.getByText('Forked from another session').waitFor();
      await page.getByText('Done.').waitFor();
    },
  },
  {
    name: 'by keyboard alone, with the command palette',
    async run({ page, server, want, axe, shot, until }) {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'Search commands' }).fill('go to sett');
      await shot('palette');
      await axe('the command palette');
      await page.keyboard.press('Enter');
      await page.waitForURL(/#\/settings/);
      await page.keyboard.press('Alt+1');
      await page.waitForURL(/#\/chat/);
      await page.keyboard.press('Alt+n');
      await until(() => box(page).evaluate(one => one === document.activeElement), 'the composer has no focus');
      await page.keyboard.type('/mod');
      await page.getByRole('option', { name: /\/model/ }).waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.type(`${script(server, kWrite('one.txt', 'first\\n', 'Done.'))}`);
      await page.keyboard.press('Enter');
      await page.keyboard.type('Write it');
      await page.keyboard.press('Shift+Enter');
      await page.keyboard.type('please');
      await page.keyboard.press('Enter');
      const apply = page.getByRole('button', { name: 'Apply', exact: true });
      await apply.waitFor();
      // To the question and its answer with Tab alone.
      await page.keyboard.press('Alt+q');
      for (let at = 0; at < 60 && !(await apply.evaluate(one => one === document.activeElement)); ++at)
        await page.keyboard.press('Shift+Tab');
      want(await apply.evaluate(one => one === document.activeElement), 'Tab does not lead to the answer');
      await page.keyboard.press('Enter');
      await ended(page);
      want(existsSync(join(server.workspace, 'one.txt')), 'it was not written');
      want((await page.getByRole('log').innerText()).includes('Write it\nplease'), 'the line break was lost');
    },
  },
  {
    name: 'todo lists, messages in between and retries',
    async run({ page, server, want, shot }) {
      await send(page, script(server, `
turns:
  - calls:
      - {tool: todo, id: t, arguments: {todos: [{content: Look around, status: completed}, {content: Write it, status: in_progress}, {content: Check it, status: pending}]}}
      - {tool: brief, id: b, arguments: {message: "Half of **it** is done."}}
    faults: [{status: 429, retry_after_ms: 20}]
  - say: "Finished."
`), 'Work');
      await ended(page);
      await page.getByRole('region', { name: 'Task list' }).getByText('1 of 3 done').waitFor();
      await page.getByText('Half of it is done.').waitFor();
      await page.getByText(/Asking the model again/).waitFor();
      await shot('todo');
      want(true, '');
    },
  },
  {
    name: 'what goes wrong is said, and what was written stays',
    async run({ page, server, want, axe }) {
      await send(page, 'nobody/x', 'Hello there');
      await page.getByRole('region', { name: 'Messages' }).getByText(/model/).first().waitFor();
      want((await box(page).inputValue()) === 'Hello there', 'the message is lost');
      await axe('an error');
      await page.getByRole('button', { name: 'Dismiss' }).first().click();
      await say(page, `/model ${script(server, 'turns: [{say: x, faults: [{status: 401}]}]')}`);
      await say(page, 'Hello again');
      await page.locator('.run-end .notice').waitFor();
      await page.goto(`${server.url}/#/chat/01m00000000000000000000000`);
      await page.getByText('This session is not there').waitFor();
    },
  },
  {
    name: 'files and pictures go along with a message',
    prepare: server => writeFileSync(join(server.workspace, 'notes.txt'), 'seen in the workspace\n'),
    async run({ page, server, want, shot, axe }) {
      const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==', 'base64');
      await page.locator('input[type=file]').first().setInputFiles([
        { name: 'dot.png', mimeType: 'image/png', buffer: png },
        { name: 'words.txt', mimeType: 'text/plain', buffer: Buffer.from('seen on the computer\n') },
      ]);
      await page.getByRole('button', { name: 'Attach files' }).click();
      await page.getByRole('menuitem', { name: /workspace/ }).click();
      await page.getByRole('textbox', { name: 'Its path' }).fill('notes.txt');
      await page.keyboard.press('Enter');
      const attached = page.getByRole('list', { name: 'Attached files' });
      await attached.getByText('notes.txt').waitFor();
      await attached.getByText('dot.png').waitFor();
      await shot('attached');
      await axe('attached files');
      await send(page, script(server, 'turns: [{say: "I see {{images}}"}]'), 'Look at these');
      await ended(page);
      await page.getByRole('img', { name: 'dot.png' }).waitFor();
      await page.getByRole('button', { name: /words\.txt/ }).waitFor();
      await page.getByText(/I see .*image\/png/).waitFor();
      const [started] = (await eventsOf(server, await sessionOf(page))).filter(event => event.kind === 'user_message');
      want(started.attachments.length === 3, `not all went along: ${JSON.stringify(started.attachments)}`);
      want((await attached.count()) === 0, 'they are still there for the next message');
      // What cannot go along is said, and the message stays.
      await page.locator('input[type=file]').first().setInputFiles([{ name: 'x.bin', mimeType: 'application/octet-stream', buffer: Buffer.from([0, 255, 1, 254]) }]);
      await say(page, 'And this');
      await page.getByRole('region', { name: 'Messages' }).getByText(/x\.bin/).waitFor();
      want((await box(page).inputValue()) === 'And this', 'the message is lost');
      await shot('refused');
    },
  },
  {
    name: 'a question calls a person who looks elsewhere',
    context: { permissions: ['notifications'] },
    async run({ page, server, want, context, until }) {
      await page.addInitScript(() => {
        globalThis.told = [];
        globalThis.Notification = class {
          static permission = 'granted';
          static requestPermission = async () => 'granted';
          constructor(title, options) {
            globalThis.told.push(`${title}: ${options.body}`);
          }
          close() {}
        };
        Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
      });
      await page.reload();
      await page.getByRole('textbox', { name: 'Message' }).waitFor();
      await send(page, script(server, kWrite('one.txt', 'first\\n')), 'Write', 'ask');
      await page.locator('.question.open').waitFor();
      await until(async () => (await page.evaluate(() => globalThis.told.length)) === 1, 'no notification was shown');
      want((await page.evaluate(() => globalThis.told[0])).startsWith('BoxAgnts asks: '), 'it does not say what it is');
      // A second page can answer, and the first one sees it.
      const second = await context.newPage();
      await second.goto(page.url());
      await second.locator('.question.open').getByRole('button', { name: 'Apply' }).click();
      await ended(page);
    },
  },
];
