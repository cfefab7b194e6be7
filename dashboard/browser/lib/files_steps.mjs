// Steps that the tests of the files page share.
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

export const at = (server, name) => path.join(server.workspace, name);
export const textOf = (server, name) => readFile(at(server, name), 'utf8');
export const isThere = (server, name) => stat(at(server, name)).then(() => true, () => false);

export async function put(server, files) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(at(server, name)), { recursive: true });
    await writeFile(at(server, name), content);
  }
}

export const row = (page, name) => page.getByRole('treeitem', { name, exact: true });
export const editor = (page, name) => page.getByRole('textbox', { name: `Text of ${name}` });
export const tab = (page, name) => page.getByRole('navigation', { name: 'Open files' }).getByRole('link', { name });
export const button = (page, name) => page.getByRole('button', { name, exact: true });

export async function openPage(page, rest = '') {
  await page.evaluate(hash => (location.hash = hash), '#/files' + (rest ? '/' + rest.split('/').map(encodeURIComponent).join('/') : ''));
  await page.locator('.files-page').waitFor();
}

// The page has read and watches the tree when a file made now is seen.
export async function watched(page, server, folder = '') {
  const name = `.seen-${Math.random().toString(36).slice(2)}`;
  await put(server, { [path.join(folder, name)]: '' });
  await row(page, name).waitFor();
  await rm(at(server, path.join(folder, name)));
  await row(page, name).waitFor({ state: 'detached' });
}

export async function openFile(page, name) {
  await openPage(page, name);
  await editor(page, path.basename(name)).waitFor();
}

export async function type(page, name, text) {
  await editor(page, name).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(text);
}

export async function menu(page, name, entry) {
  await row(page, name).click({ button: 'right' });
  await page.getByRole('menuitem', { name: entry, exact: true }).click();
}

export async function answer(page, label, value) {
  await page.getByRole('dialog').getByLabel(label).fill(value);
  await page.keyboard.press('Enter');
}
