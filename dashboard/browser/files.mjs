// The files page in a real browser: the tree, what is done with files, and what they can be.
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { answer, at, button, editor, isThere, menu, openFile, openPage, put, row, tab, textOf, type, watched } from './lib/files_steps.mjs';

const kPng = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR42mNgYGD4TxiNSg9KaQB6wGOd0sKKeAAAAABJRU5ErkJggg==', 'base64');

export const cases = [
  {
    name: 'tree-keys-and-watch',
    run: async ({ page, server, want, shot, axe, until }) => {
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
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('role'));
      await tree.focus();
      await page.keyboard.press('Shift+F10');
      await page.getByRole('menuitem', { name: 'Rename…' }).waitFor();
      await page.keyboard.press('Escape');
      await until(async () => (await focused()) === 'tree', 'the tree has the focus again when its menu goes');
      await page.keyboard.press('F2');
      await page.getByRole('dialog').getByLabel('New name').waitFor();
      await page.keyboard.type('read');
      await page.keyboard.press('Enter');
      await row(page, 'read.md').waitFor();
      await until(async () => (await focused()) === 'tree', 'the tree has the focus again after a rename');
      await menu(page, 'read.md', 'Move…');
      await page.getByRole('dialog').getByLabel('New place').waitFor();
      await page.keyboard.press('Escape');
      await until(async () => (await focused()) === 'tree', 'the tree has the focus again when a dialog of its menu goes');
      await axe();
      await shot('tree');
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

      // A long one, over a slow line: its progress is seen, and it can be stopped.
      const line = await page.context().newCDPSession(page);
      await line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100_000 });
      await pick([{ name: 'long.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(2_000_000) }]);
      await page.getByText('Uploading, 1 file left').waitFor();
      await page.getByRole('progressbar', { name: 'Upload' }).waitFor();
      await axe();
      await shot('under-way');
      await button(page, 'Stop').click();
      await page.getByText('docs/long.bin: Stopped.').waitFor();
      want(!(await isThere(server, 'docs/long.bin')), 'what was stopped is not there');
      await line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
      await button(page, 'Clear the list of uploads').click();

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
      await openFile(page, 'docs/fresh.txt');
      await rm(at(server, 'docs/dropped.txt'));
      await row(page, 'dropped.txt').waitFor({ state: 'detached' });
      await editor(page, 'fresh.txt').dispatchEvent('drop', { dataTransfer: dropped });
      await row(page, 'dropped.txt').waitFor();
      want((await page.getByText('Not saved').count()) === 0, 'a file that is dropped on the editor is uploaded, not inserted');
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
      await symlink('docs/other.md', at(server, 'link.md'));
      await openFile(page, 'link.md');
      await page.getByText('This is a link to another file.').waitFor();
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
      // Names that are not UTF-8, which look the same when they are repaired.
      for (const byte of [0xe8, 0xe9])
        await writeFile(Buffer.concat([Buffer.from(at(server, 'z')), Buffer.from([byte])]), 'text\n');
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
      const repaired = page.getByRole('treeitem', { name: /its name is not UTF-8/ });
      want((await repaired.count()) === 2, 'both names that are not UTF-8 are listed');
      await repaired.first().click();
      await repaired.first().click({ button: 'right' });
      await page.getByRole('menuitem', { name: /not UTF-8/ }).waitFor();
      await page.keyboard.press('Escape');
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
    name: 'large-folder-and-long-text',
    run: async ({ page, server, want, axe }) => {
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
      await axe();

      await put(server, { 'long.cc': 'int value = 42;  // and a word about it\n'.repeat(48_000) });
      await openFile(page, 'long.cc');
      await type(page, 'long.cc', '// the end\n');
      await page.keyboard.press('Control+s');
      await button(page, 'Saved').waitFor();
      want((await textOf(server, 'long.cc')).endsWith('it\n// the end\n'), 'a long text is saved whole');
      await axe();
    },
  },
];
