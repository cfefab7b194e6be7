// The files page in a real browser: every act of it, against the real program.
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

const kPng = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR42mNgYGD4TxiNSg9KaQB6wGOd0sKKeAAAAABJRU5ErkJggg==', 'base64');

const at = (server, name) => path.join(server.workspace, name);
const textOf = (server, name) => readFile(at(server, name), 'utf8');
const isThere = (server, name) => stat(at(server, name)).then(() => true, () => false);

async function put(server, files) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(at(server, name)), { recursive: true });
    await writeFile(at(server, name), content);
  }
}

const row = (page, name) => page.getByRole('treeitem', { name, exact: true });
const editor = (page, name) => page.getByRole('textbox', { name: `Text of ${name}` });
const tab = (page, name) => page.getByRole('navigation', { name: 'Open files' }).getByRole('link', { name });
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function openPage(page, rest = '') {
  await page.evaluate(hash => (location.hash = hash), '#/files' + (rest ? '/' + rest.split('/').map(encodeURIComponent).join('/') : ''));
  await page.locator('.files-page').waitFor();
}

// The page has read and watches the tree when a file made now is seen.
async function watched(page, server, folder = '') {
  const name = `.seen-${Math.random().toString(36).slice(2)}`;
  await put(server, { [path.join(folder, name)]: '' });
  await row(page, name).waitFor();
  await rm(at(server, path.join(folder, name)));
  await row(page, name).waitFor({ state: 'detached' });
}

async function openFile(page, name) {
  await openPage(page, name);
  await editor(page, path.basename(name)).waitFor();
}

async function type(page, name, text) {
  await editor(page, name).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(text);
}

async function menu(page, name, entry) {
  await row(page, name).click({ button: 'right' });
  await page.getByRole('menuitem', { name: entry, exact: true }).click();
}

async function answer(page, label, value) {
  await page.getByRole('dialog').getByLabel(label).fill(value);
  await page.keyboard.press('Enter');
}

export const cases = [
  {
    name: 'tree-keys-and-watch',
    run: async ({ page, server, want, shot, axe }) => {
      await put(server, { 'docs/a.md': '# A\n', 'docs/b.md': '# B\n', 'src/deep/x.cc': 'int x;\n', 'readme.md': 'hello\n' });
      await openPage(page);
      await row(page, 'docs').waitFor();
      const tree = page.getByRole('tree');
      await tree.focus();
      const current = () => tree.evaluate(box => document.getElementById(box.getAttribute('aria-activedescendant'))?.getAttribute('aria-label'));
      want((await current()) === 'docs', 'the first row has the cursor');
      await page.keyboard.press('ArrowRight');
      await row(page, 'b.md').waitFor();
      await page.keyboard.press('ArrowRight');
      want((await current()) === 'a.md', 'right goes into an open folder');
      await page.keyboard.press('End');
      want((await current()) === 'readme.md', 'End goes to the last row');
      await page.keyboard.type('b.m');
      want((await current()) === 'b.md', 'typing goes to a name');
      await page.keyboard.press('ArrowLeft');
      want((await current()) === 'docs', 'left goes to the folder');
      await page.keyboard.press('ArrowLeft');
      await row(page, 'b.md').waitFor({ state: 'detached' });
      await page.keyboard.press('Home');
      await page.keyboard.press('Enter');
      await row(page, 'b.md').waitFor();
      await watched(page, server);
      await watched(page, server, 'docs');
      await rm(at(server, 'docs'), { recursive: true });
      await row(page, 'docs').waitFor({ state: 'detached' });
      await watched(page, server);
      await tree.focus();
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await editor(page, 'readme.md').waitFor();
      await page.waitForFunction(() => document.activeElement?.shadowRoot?.activeElement?.getAttribute('role') === 'textbox');
      await axe();
      await shot('tree');
    },
  },
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
    name: 'make-rename-move-copy-delete',
    run: async ({ page, server, want, shot, axe, until }) => {
      await put(server, { 'docs/a.md': '# A\n', 'src/x.txt': 'x\n' });
      await openPage(page);
      await row(page, 'docs').waitFor();
      await menu(page, 'docs', 'New file…');
      await page.getByRole('dialog').getByLabel('Name').fill('a.md');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').getByRole('alert').waitFor();
      await axe();
      await shot('name-taken');
      await answer(page, 'Name', 'new.md');
      await editor(page, 'new.md').waitFor();
      await page.waitForFunction(() => document.activeElement?.shadowRoot);
      await page.keyboard.type('typed');
      await menu(page, 'new.md, not saved', 'Rename…');
      await answer(page, 'New name', 'newer.md');
      await row(page, 'newer.md, not saved').waitFor();
      want(page.url().endsWith('#/files/docs/newer.md'), 'the address follows a rename');
      await editor(page, 'newer.md').click();
      await page.keyboard.press('Control+s');
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'docs/newer.md')) === 'typed', 'unsaved text went along');
      await menu(page, 'newer.md', 'Move…');
      await answer(page, 'New place', 'src/moved.md');
      await row(page, 'moved.md').waitFor();
      want(await isThere(server, 'src/moved.md'), 'it was moved');
      await menu(page, 'src', 'New folder…');
      await answer(page, 'Name', 'inner');
      await row(page, 'inner').waitFor();
      await row(page, 'x.txt').dragTo(row(page, 'inner'));
      await until(() => isThere(server, 'src/inner/x.txt'), 'it was moved by dragging');
      await page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Undo' }).click();
      await until(() => isThere(server, 'src/x.txt'), 'the drag was undone');

      await row(page, 'moved.md').click();
      await page.getByRole('tree').focus();
      await page.keyboard.press('Delete');
      await row(page, 'moved.md').waitFor({ state: 'detached' });
      await page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Undo' }).click();
      await row(page, 'moved.md').waitFor();
      want((await textOf(server, 'src/moved.md')) === 'typed', 'undo brought it back');
      await menu(page, 'inner', 'Delete');
      await row(page, 'inner').waitFor({ state: 'detached' });
      await menu(page, 'moved.md', 'Delete');
      await row(page, 'moved.md').waitFor({ state: 'detached' });
      await button(page, 'Bin').click();
      await button(page, 'Restore src/moved.md').waitFor();
      await axe();
      await shot('bin');
      await button(page, 'Restore src/moved.md').click();
      await button(page, 'Restore src/moved.md').waitFor({ state: 'detached' });
      want(await isThere(server, 'src/moved.md'), 'it is back from the bin');
      await button(page, 'Delete for good: src/inner').click();
      await button(page, 'Delete').click();
      await page.getByText('The bin is empty.').waitFor();
    },
  },
  {
    name: 'copy',
    run: async ({ page, server, want }) => {
      await put(server, { 'docs/a.md': '# A\n' });
      await openPage(page);
      await menu(page, 'docs', 'Copy…');
      want((await page.getByRole('dialog').getByLabel('Place of the copy').inputValue()) === 'docs (2)', 'a free name is offered');
      await page.keyboard.press('Enter');
      await row(page, 'docs (2)').waitFor();
      want((await textOf(server, 'docs (2)/a.md')) === '# A\n', 'the folder was copied whole');
    },
  },
  {
    name: 'upload',
    run: async ({ page, server, want, shot, axe, until }) => {
      await put(server, { 'docs/taken.txt': 'old\n' });
      await openPage(page);
      await row(page, 'docs').click();
      await row(page, 'taken.txt').waitFor();
      const file = (name, text) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
      const pick = async files => {
        const chooser = page.waitForEvent('filechooser');
        await menu(page, 'docs', 'Upload files…');
        await (await chooser).setFiles(files);
      };
      await pick([file('taken.txt', 'new\n'), file('fresh.txt', 'fresh\n')]);
      await row(page, 'fresh.txt').waitFor();
      await page.getByText('This is there already:').waitFor();
      want((await textOf(server, 'docs/taken.txt')) === 'old\n', 'nothing is overwritten without asking');
      await axe();
      await shot('upload');
      await button(page, 'Keep both').click();
      await row(page, 'taken (2).txt').waitFor();
      await pick([file('taken.txt', 'newer\n')]);
      await button(page, 'Replace').click();
      await until(async () => (await textOf(server, 'docs/taken.txt')) === 'newer\n', 'it was replaced when that was chosen');
      await pick([file('taken.txt', 'no\n')]);
      await button(page, 'Skip').click();
      await button(page, 'Skip').waitFor({ state: 'detached' });
      want((await textOf(server, 'docs/taken.txt')) === 'newer\n', 'skipped is skipped');

      const tree = path.join(server.home, 'made');
      await mkdir(path.join(tree, 'deep'), { recursive: true });
      await writeFile(path.join(tree, 'deep/a.txt'), 'a\n');
      await writeFile(path.join(tree, 'b.txt'), 'b\n');
      const chooser = page.waitForEvent('filechooser');
      await menu(page, 'docs', 'Upload a folder…');
      await (await chooser).setFiles(tree);
      await until(async () => (await isThere(server, 'docs/made/deep/a.txt')) && (await isThere(server, 'docs/made/b.txt')), 'a folder arrived whole');

      const dropped = await page.evaluateHandle(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(['dropped\n'], 'dropped.txt'));
        return transfer;
      });
      await row(page, 'docs').dispatchEvent('dragover', { dataTransfer: dropped });
      await row(page, 'docs').dispatchEvent('drop', { dataTransfer: dropped });
      await row(page, 'dropped.txt').waitFor();
      want((await textOf(server, 'docs/dropped.txt')) === 'dropped\n', 'a dropped file arrived');
    },
  },
  {
    name: 'kinds-of-files',
    run: async ({ page, server, want, shot, axe }) => {
      await put(server, {
        'pic.png': kPng, 'bad.png': Buffer.concat([kPng.subarray(0, 20), Buffer.alloc(40)]), 'binary.bin': Buffer.from([1, 0, 2, 0]), 'empty.txt': '',
        'latin.txt': Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x0a]), 'long.log': 'é line\n'.repeat(400_000),
        'docs/page.md': '# Title\n\n[up](../empty.txt) [beside](other.md) ![p](x.png)\n\n<script>alert(1)</script>\n', 'docs/other.md': 'other\n',
        'shape.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><script>alert(1)</script><rect width="20" height="20"/></svg>',
      });
      await openPage(page, 'pic.png');
      await page.getByText('10 × 10').waitFor();
      await axe();
      await shot('picture');
      await openPage(page, 'bad.png');
      await page.getByText('cannot show this picture').waitFor();
      await openPage(page, 'binary.bin');
      await page.getByText('4 B · not text').waitFor();
      await axe();
      const download = page.waitForEvent('download');
      await button(page, 'Download').click();
      want((await readFile(await (await download).path())).equals(Buffer.from([1, 0, 2, 0])), 'a download is the file');
      await openPage(page, 'latin.txt');
      await page.getByText('This file is not UTF-8.').waitFor();
      await editor(page, 'latin.txt').getByText('café').waitFor();
      await editor(page, 'latin.txt').click();
      await page.keyboard.type('x');
      want((await page.getByText('Not saved').count()) === 0, 'what is not UTF-8 cannot be edited');
      await axe();
      await openPage(page, 'long.log');
      await page.getByText('Piece 1 of 25').waitFor();
      await page.getByText('é line').first().waitFor();
      await button(page, 'Last').click();
      await page.getByText('Piece 25 of 25').waitFor();
      await axe();
      await shot('pieces');
      await openFile(page, 'docs/page.md');
      await button(page, 'Side by side').click();
      await page.getByRole('region', { name: 'Preview' }).getByRole('heading', { name: 'Title' }).waitFor();
      await type(page, 'page.md', '\n## Fresh\n');
      await page.getByRole('heading', { name: 'Fresh' }).waitFor();
      await axe();
      await shot('preview');
      await page.getByRole('link', { name: 'beside' }).click();
      await editor(page, 'other.md').waitFor();
      await tab(page, 'page.md').click();
      await page.getByRole('link', { name: 'up', exact: true }).click();
      await editor(page, 'empty.txt').waitFor();
      await openFile(page, 'shape.svg');
      await button(page, 'Preview').click();
      await page.getByText('20 × 20').waitFor();
      await openPage(page, 'not/there.txt');
      await page.getByText('There is no “there.txt” here.').waitFor();
      await axe();
      await openPage(page, 'docs');
      await page.waitForFunction(() => !location.hash.endsWith('/docs'));
    },
  },
  {
    name: 'hostile-names',
    run: async ({ page, server, want, shot, axe }) => {
      const names = ['<img src=x onerror=alert(1)>.md', 'bidi\u202egnp.txt', 'two\nlines.txt', 'l' + 'o'.repeat(240) + 'ng.txt', '%2e%2e%2f.txt',
        '#hash?query&x=1.txt', ' leading', "quote'\".txt", '\u001b[31mred.txt', 'ｆｕｌｌ.txt', '__proto__', 'constructor'];
      await put(server, Object.fromEntries(names.map(name => [name, `text of it\n`])));
      await put(server, { '__proto__2/constructor/x.txt': 'x\n' });
      await openPage(page);
      for (const name of names) {
        await openPage(page, name);
        await page.getByRole('textbox', { name: /^Text of / }).getByText('text of it').waitFor();
        await page.keyboard.press('Alt+w');
        await page.getByText('No file is open.').waitFor();
      }
      for (const name of names.slice(0, 4)) {
        await openPage(page, name);
        await page.getByRole('textbox', { name: /^Text of / }).getByText('text of it').waitFor();
      }
      want((await page.evaluate(() => document.querySelectorAll('img').length)) === 0, 'no name becomes markup');
      want(!(await page.locator('body').innerText()).includes('\u202e'), 'what turns text around is shown, not done');
      await axe();
      await shot('hostile');
      await page.keyboard.press('Control+p');
      await page.getByRole('option').first().waitFor();
      await axe();
      await shot('hostile-quick');
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
    name: 'differences',
    run: async ({ page, server, shot, axe }) => {
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
    },
  },
  {
    name: 'large-folder',
    run: async ({ page, server, want }) => {
      await put(server, Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`many/file${String(n).padStart(4, '0')}.txt`, `${n}`])));
      await openPage(page);
      await row(page, 'many').click();
      await row(page, 'file0000.txt').waitFor();
      want((await page.getByRole('treeitem').count()) < 120, 'only the rows that are seen are in the page');
      await page.getByRole('tree').focus();
      await page.keyboard.press('End');
      await row(page, 'file2999.txt').waitFor();
      await page.keyboard.press('Enter');
      await editor(page, 'file2999.txt').waitFor();
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
