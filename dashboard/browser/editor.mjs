// The editor of the files page in a real browser: saving, conflicts, differences, tabs.
import { rm } from 'node:fs/promises';

import { at, button, editor, openFile, openPage, put, row, tab, textOf, type, watched } from './lib/files_steps.mjs';

export const cases = [
  {
    name: 'edit-save-find-and-line-ends',
    run: async ({ page, server, want, axe, shot, until }) => {
      await put(server, { 'src/main.cc': 'int main() {\n  return 0;\n}\n', 'crlf.txt': 'one\r\ntwo\r\n', 'mixed.txt': 'a\r\nb\nc', 'bom.txt': '\ufeffhello\n' });
      await openFile(page, 'src/main.cc');
      await type(page, 'main.cc', '// end\n');
      await page.getByText('Not saved', { exact: true }).waitFor();
      await tab(page, 'main.cc').getByText('not saved').waitFor({ state: 'attached' });
      await page.keyboard.press('Control+s');
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'src/main.cc')) === 'int main() {\n  return 0;\n}\n// end\n', 'the file holds what was typed');
      await page.keyboard.press('Control+z');
      await button(page, 'Save').waitFor();
      await page.keyboard.press('Control+y');
      await button(page, 'Saved').waitFor();
      await page.keyboard.press('Control+f');
      await page.getByRole('textbox', { name: 'Find' }).fill('return');
      await page.getByRole('textbox', { name: 'Replace' }).fill('yield');
      await axe();
      await shot('find');
      await page.getByRole('button', { name: 'Replace all' }).click();
      await page.keyboard.press('Control+s');
      await until(async () => (await textOf(server, 'src/main.cc')).includes('yield 0'), 'replaced text is saved');

      await page.keyboard.press('Escape');
      await button(page, 'More about this file').click();
      await page.getByRole('menuitem', { name: 'Find and replace' }).click();
      await page.waitForFunction(() => document.activeElement?.shadowRoot?.activeElement?.getAttribute('name') === 'search');
      await page.keyboard.press('Escape');
      await editor(page, 'main.cc').click();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Tab');
      want(await page.evaluate(() => !document.activeElement?.shadowRoot), 'Esc, then Tab leaves the editor');

      await openFile(page, 'crlf.txt');
      await type(page, 'crlf.txt', 'three\n');
      await page.keyboard.press('Control+s');
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'crlf.txt')) === 'one\r\ntwo\r\nthree\r\n', 'CRLF is kept, in new lines too');
      await button(page, 'More about this file').click();
      await page.getByRole('menuitem', { name: 'Turn line ends to LF' }).click();
      await button(page, 'Save').click();
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'crlf.txt')) === 'one\ntwo\nthree\n', 'line ends are turned when that is wanted');

      await openFile(page, 'mixed.txt');
      await type(page, 'mixed.txt', '!');
      await page.keyboard.press('Control+s');
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'mixed.txt')) === 'a\r\nb\nc!', 'mixed line ends stay as they are');
      await openFile(page, 'bom.txt');
      await type(page, 'bom.txt', 'x');
      await page.keyboard.press('Control+s');
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'bom.txt')) === '\ufeffhello\nx', 'a byte order mark is kept');
    },
  },
  {
    name: 'changed-on-disk',
    run: async ({ page, server, want, shot, axe }) => {
      const before = 'one\ntwo\nthree\nfour\nfive\n';
      await put(server, { 'a.txt': before });
      await openFile(page, 'a.txt');
      await watched(page, server);
      await put(server, { 'a.txt': 'zero\n' + before });
      await page.getByText('It changed on disk').waitFor();
      await editor(page, 'a.txt').getByText('zero').waitFor();

      await type(page, 'a.txt', 'mine\n');
      await put(server, { 'a.txt': before + 'theirs\n' });
      await page.getByText('a.txt was changed on disk').waitFor();
      await axe();
      await shot('conflict');
      await button(page, 'Take theirs').click();
      await editor(page, 'a.txt').getByText('theirs').waitFor();
      await button(page, 'Saved').waitFor();
      await editor(page, 'a.txt').click();
      await page.keyboard.press('Control+z');
      await editor(page, 'a.txt').getByText('mine').waitFor();
      await page.keyboard.press('Control+s');
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'a.txt')) === 'zero\n' + before + 'mine\n', 'undo brought back what was typed');

      await type(page, 'a.txt', 'again\n');
      await put(server, { 'a.txt': 'other\n' });
      await button(page, 'Keep mine').click();
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'a.txt')).endsWith('mine\nagain\n'), 'mine was kept');

      await type(page, 'a.txt', 'last of mine\n');
      await put(server, { 'a.txt': 'first of theirs\n' + (await textOf(server, 'a.txt')) });
      await button(page, 'Compare and merge').click();
      const yours = page.getByRole('textbox', { name: /^Yours/ });
      await yours.getByText('last of mine').waitFor();
      await axe();
      await shot('merge');
      await page.getByRole('button', { name: 'Take this part of the left side' }).first().click();
      await yours.getByText('first of theirs').waitFor();
      await yours.click();
      await page.keyboard.press('Control+End');
      await page.keyboard.type('by hand\n');
      // Put off, and found again as it was left; also when the other side changes once more.
      await button(page, 'Later').click();
      await button(page, 'Compare and merge').click();
      await yours.getByText('by hand').waitFor();
      await put(server, { 'a.txt': 'changed once more\n' });
      await page.getByRole('textbox', { name: 'On disk' }).getByText('changed once more').waitFor();
      await yours.getByText('by hand').waitFor();
      await button(page, 'Save merged').click();
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'a.txt')) === 'first of theirs\nzero\n' + before + 'mine\nagain\nlast of mine\nby hand\n',
        'the merge holds both, and what was typed');
    },
  },
  {
    name: 'conflict-while-saving',
    run: async ({ page, server, want }) => {
      await put(server, { 'a.txt': 'one\n' });
      await openFile(page, 'a.txt');
      await type(page, 'a.txt', 'mine\n');
      // Another program writes between the key and the request.
      await page.route('**/api/v1/files/content?**', async route => {
        if (route.request().method() === 'PUT') await put(server, { 'a.txt': 'theirs\n' });
        await route.continue();
      }, { times: 1 });
      await page.keyboard.press('Control+s');
      await page.getByText('a.txt was changed on disk').waitFor();
      want((await textOf(server, 'a.txt')) === 'theirs\n', 'nothing was overwritten');
      await button(page, 'Keep mine').click();
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'a.txt')) === 'one\nmine\n', 'mine was kept when that was chosen');

      await type(page, 'a.txt', 'more\n');
      await server.end();
      await page.keyboard.press('Control+s');
      await page.getByText('Not saved: The server does not answer.').waitFor();
      await page.getByText('The connection to the server is lost.').waitFor();
      await put(server, { 'b.txt': 'made while the server was away\n' });
      await server.start();
      await row(page, 'b.txt').waitFor();
      await button(page, 'Try again').click();
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'a.txt')) === 'one\nmine\nmore\n', 'what could not be saved is saved later');
    },
  },
  {
    name: 'deleted-meanwhile',
    run: async ({ page, server, want, axe }) => {
      await put(server, { 'a.txt': 'one\n', 'docs/b.txt': 'two\n' });
      await openFile(page, 'docs/b.txt');
      await openFile(page, 'a.txt');
      await watched(page, server);
      await rm(at(server, 'a.txt'));
      await page.getByText('a.txt was deleted or moved.').waitFor();
      await axe();
      await button(page, 'Save it anew').click();
      await page.getByText('a.txt was deleted or moved.').waitFor({ state: 'detached' });
      want((await textOf(server, 'a.txt')) === 'one\n', 'it was saved anew');
      await rm(at(server, 'docs'), { recursive: true });
      await tab(page, 'b.txt').getByText('deleted').waitFor();
      await put(server, { 'docs/b.txt': 'back\n' });
      await row(page, 'docs').waitFor();
      await tab(page, 'b.txt').click();
      await editor(page, 'b.txt').getByText('back').waitFor();
    },
  },
  {
    name: 'quick-open-tabs-and-leaving',
    run: async ({ page, server, want, shot, axe }) => {
      await put(server, { 'src/gateway/routes_files.cc': 'a\n', 'src/main.cc': 'b\n', 'lib/main.cc': 'c\n', 'README.md': 'd\n' });
      await openPage(page);
      await row(page, 'src').waitFor();
      await page.keyboard.press('Control+p');
      await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'combobox');
      await page.keyboard.type('rofi');
      await page.getByRole('option', { name: 'routes_files.cc' }).waitFor();
      await axe();
      await shot('quick-open');
      await page.keyboard.press('Enter');
      await editor(page, 'routes_files.cc').waitFor();
      await row(page, 'routes_files.cc').waitFor();
      await openFile(page, 'src/main.cc');
      await openFile(page, 'lib/main.cc');
      await tab(page, 'main.cc lib').waitFor();
      await type(page, 'main.cc', 'not saved\n');
      // Another page and back; another tab and back: what was typed is there, with its undo.
      await page.getByRole('link', { name: 'Settings' }).click();
      await editor(page, 'main.cc').waitFor({ state: 'detached' });
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Files' }).click();
      await editor(page, 'main.cc').getByText('not saved').waitFor();
      await tab(page, 'routes_files.cc').click();
      await editor(page, 'routes_files.cc').waitFor();
      await tab(page, 'main.cc lib').click();
      await editor(page, 'main.cc').getByText('not saved').waitFor();
      const asked = page.waitForEvent('dialog');
      void page.evaluate(() => location.reload()).catch(() => {});
      const question = await asked;
      want(question.type() === 'beforeunload', 'the browser asks before unsaved text goes');
      await question.dismiss();
      await button(page, 'Close main.cc').last().click();
      await page.getByRole('dialog').getByText('Close “main.cc”?').waitFor();
      await button(page, 'Cancel').click();
      await editor(page, 'main.cc').getByText('not saved').waitFor();
      await button(page, 'Close main.cc').last().click();
      await button(page, 'Close without saving').click();
      await tab(page, 'main.cc lib').waitFor({ state: 'detached' });
      want((await textOf(server, 'lib/main.cc')) === 'c\n', 'closed without saving is not saved');
    },
  },
  {
    name: 'two-tabs-and-a-run',
    run: async ({ page, server, context, want }) => {
      await put(server, { 'a.txt': 'one\n' });
      await openFile(page, 'a.txt');
      const other = await context.newPage();
      await other.goto(`${server.url}/#token=${server.token}`);
      await openFile(other, 'a.txt');
      await type(other, 'a.txt', 'from the other tab\n');
      await other.keyboard.press('Control+s');
      await button(other, 'Saved').waitFor();
      await editor(page, 'a.txt').getByText('from the other tab').waitFor();
      const { status, text } = await server.api('POST', '/api/v1/tools/write/run', { arguments: { file_path: 'made/by_a_tool.txt', content: 'tool\n' } });
      want(status === 'ok', text);
      for (const one of [page, other]) await row(one, 'made').waitFor();
      want((await page.getByText('Not saved', { exact: true }).count()) === 0, 'what others save is no unsaved text here');
      await other.close();
    },
  },
  {
    name: 'differences',
    run: async ({ page, server, want, shot, axe }) => {
      const lines = Array.from({ length: 60 }, (_, n) => `line ${n}`).join('\n') + '\n';
      await put(server, { 'a.txt': lines, 'b.txt': lines.replace('line 30', 'line thirty') });
      await openFile(page, 'a.txt');
      await type(page, 'a.txt', 'the end\n');
      await button(page, 'Changes').click();
      await page.getByRole('textbox', { name: 'Not saved yet' }).getByText('the end').waitFor();
      await axe();
      await shot('changes');
      await button(page, 'Back to editing').click();
      await button(page, 'More about this file').click();
      await page.getByRole('menuitem', { name: 'Compare with another file…' }).click();
      await page.getByRole('combobox').fill('b.txt');
      await page.getByRole('option', { name: 'b.txt' }).click();
      await page.getByRole('textbox', { name: 'b.txt' }).getByText('line thirty').waitFor();
      await axe();
      await shot('compared');
      want((await page.getByText('line 2', { exact: true }).count()) === 0, 'what is the same is left out');
      await button(page, 'All lines').click();
      await page.getByText('line 2', { exact: true }).first().waitFor();
      await page.setViewportSize({ width: 390, height: 844 });
      await button(page, 'Back to editing').click();
      await button(page, 'More about this file').click();
      await page.getByRole('menuitem', { name: 'Show unsaved changes' }).click();
      await page.getByText('unchanged lines').waitFor();
      await button(page, 'All lines').click();
      await page.getByText('line 2', { exact: true }).waitFor();
      await axe();
    },
  },
  {
    name: 'phone',
    viewport: { width: 390, height: 844 },
    run: async ({ page, server, want, shot, axe }) => {
      await put(server, { 'docs/a.md': '# A\n\nText.\n', 'src/main.cc': 'int main() {}\n' });
      await openPage(page);
      await page.getByRole('button', { name: 'Show the list' }).click();
      await row(page, 'docs').click();
      await row(page, 'a.md').waitFor();
      await axe();
      await shot('phone-tree');
      await button(page, 'Actions for a.md').click();
      await page.getByRole('menuitem', { name: 'Open' }).click();
      await editor(page, 'a.md').waitFor();
      await type(page, 'a.md', 'typed on a phone\n');
      await put(server, { 'docs/a.md': '# B\n\nText.\n' });
      await button(page, 'Compare and merge').click();
      await page.getByRole('button', { name: 'Take theirs' }).first().waitFor();
      await axe();
      await shot('phone-merge');
      await page.getByRole('button', { name: 'Take theirs' }).first().click();
      await button(page, 'Save merged').click();
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'docs/a.md')) === '# B\n\nText.\ntyped on a phone\n', 'merged on a phone');
      want(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone');
    },
  },
];
