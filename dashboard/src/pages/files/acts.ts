// What a person does with files and folders. Dialogs stay open with the server's sentence until an
// act worked or was left.

import { shallowRef } from 'vue';

import { confirm } from '../../state/dialogs';
import { go, replace, route } from '../../state/route';
import { settings } from '../../state/settings';
import { visibleName } from '../../state/text';
import { attempt, complain, inform } from '../../state/toasts';
import { shownEditor, wishFocus } from './editor_handle';
import { copyEntry, downloadFile, makeFolder, moveEntry, removeEntry, restoreEntry, writeFile } from './files_api';
import { active, drop, fileAt, files, filesMoved, filesRemoved, save, type OpenFile } from './open_files';
import { freeName, joinPath, nameOf, parentOf, problemOfName, problemOfPath, stemLength } from './paths';
import { cursor, entriesOf, load, moved, openFolder, reveal } from './tree';

// The dialog that asks for a name or a path.
export interface NameQuestion {
  title: string;
  label: string;
  help: string;
  value: string;
  selected: number;                       // characters of it that typing replaces
  accept: string;
  folders: boolean;                       // offers the known folders
  problem: (value: string) => string;     // why it cannot be, or ''
  act: (value: string) => Promise<void>;
}
export const nameQuestion = shallowRef<NameQuestion>();

export const binOpen = shallowRef(false);
export const quickOpen = shallowRef<{ title: string; choose: (path: string) => void }>();
// What is compared with the file that is shown.
export const comparedWith = shallowRef<{ file: OpenFile; path: string; text: string }>();

function inFolder(folder: string): string {
  return folder ? `In ${visibleName(folder)}/` : 'In the workspace';
}

export function openPath(path: string, focus = false): void {
  if (focus && active.value?.path === path && shownEditor.value) shownEditor.value.focus();
  else if (focus) wishFocus(path);
  go('files', path);
}

export function askNewFile(folder: string): void {
  nameQuestion.value = {
    title: 'New file', label: 'Name', help: inFolder(folder), value: '', selected: 0, accept: 'Make', folders: false,
    problem: problemOfName,
    act: async name => {
      const path = joinPath(folder, name);
      await writeFile(path, '', 'nothing');
      await load(folder);
      openPath(path, true);
    },
  };
}

export function askNewFolder(folder: string): void {
  nameQuestion.value = {
    title: 'New folder', label: 'Name', help: inFolder(folder), value: '', selected: 0, accept: 'Make', folders: false,
    problem: problemOfName,
    act: async name => {
      await makeFolder(joinPath(folder, name));
      await load(folder);
      await openFolder(joinPath(folder, name));
      await reveal(joinPath(folder, name));
    },
  };
}

// Moves it, with what is open of it.
async function moveTo(from: string, to: string): Promise<void> {
  await moveEntry(from, to);
  moved(from, to);
  filesMoved(from, to);
  await Promise.all([load(parentOf(from)), load(parentOf(to))]);
  // The address follows the file that is shown.
  if (route.page === 'files' && active.value && fileAt(route.rest) === undefined && route.rest)
    replace('files', active.value.path);
  await reveal(to);
}

export function askRename(path: string): void {
  const name = nameOf(path);
  nameQuestion.value = {
    title: `Rename “${visibleName(name)}”`, label: 'New name', help: '', value: name, selected: stemLength(name), accept: 'Rename',
    folders: false,
    problem: problemOfName,
    act: async value => {
      if (value !== name) await moveTo(path, joinPath(parentOf(path), value));
    },
  };
}

const kPathHelp = 'A path from the workspace, with the name at its end. Its folder must be there.';

export function askMove(path: string): void {
  nameQuestion.value = {
    title: `Move “${visibleName(nameOf(path))}”`, label: 'New place', help: kPathHelp, value: path, selected: path.length, accept: 'Move',
    folders: true,
    problem: problemOfPath,
    act: async to => {
      if (to !== path) await moveTo(path, to);
    },
  };
}

export function askCopy(path: string): void {
  const folder = parentOf(path);
  const taken = (name: string) => (entriesOf(folder) ?? []).some(one => one.name === name);
  const value = joinPath(folder, freeName(nameOf(path), taken));
  nameQuestion.value = {
    title: `Copy “${visibleName(nameOf(path))}”`, label: 'Place of the copy', help: kPathHelp, value, selected: value.length, accept: 'Copy',
    folders: true,
    problem: problemOfPath,
    act: async to => {
      await copyEntry(path, to);
      await load(parentOf(to));
      await reveal(to);
    },
  };
}

// By drag and drop.
export async function moveInto(path: string, folder: string): Promise<void> {
  const to = joinPath(folder, nameOf(path));
  if (await attempt(() => moveTo(path, to)))
    inform(`Moved “${visibleName(nameOf(path))}” to ${folder ? visibleName(folder) : 'the workspace'}.`, {
      label: 'Undo',
      run: () => void attempt(() => moveTo(to, path)),
    });
}

export async function remove(path: string): Promise<void> {
  await attempt(async () => {
    const binned = await removeEntry(path);
    const wasShown = active.value;
    filesRemoved(path);
    showWhatIsLeft(wasShown);
    const siblings = entriesOf(parentOf(path)) ?? [];
    const at = siblings.findIndex(one => one.name === nameOf(path));
    const next = siblings[at + 1] ?? siblings[at - 1];
    await load(parentOf(path));
    cursor.value = next ? joinPath(parentOf(path), next.name) : parentOf(path);
    inform(`“${visibleName(nameOf(path))}” is in the bin.`, {
      label: 'Undo',
      run: () => void attempt(async () => {
        await restoreEntry(binned.id);
        await load(parentOf(path));
        await reveal(path);
      }),
    });
  });
}

// The address when the file that was shown is closed.
function showWhatIsLeft(before: OpenFile | undefined): void {
  if (before === active.value || route.page !== 'files') return;
  replace('files', active.value?.path ?? '');
}

export async function close(file: OpenFile): Promise<void> {
  const name = visibleName(nameOf(file.path));
  if (file.dirty && !(await confirm(`Close “${name}”?`, 'What you typed is not saved, and is gone then.', 'Close without saving'))) return;
  const before = active.value;
  if (comparedWith.value?.file === file) comparedWith.value = undefined;
  drop(file);
  showWhatIsLeft(before);
}

export async function closeOthers(kept: OpenFile): Promise<void> {
  for (const file of [...files]) if (file !== kept && !file.dirty) drop(file);
  openPath(kept.path);
}

export async function saveAll(): Promise<void> {
  for (const file of files) if (file.dirty) await save(file);
}

export function downloadPath(path: string): void {
  void attempt(() => downloadFile(path));
}

export async function copyPath(path: string, whole: boolean): Promise<void> {
  const text = whole ? `${settings.value?.workspace ?? ''}/${path}` : path;
  try {
    await navigator.clipboard.writeText(text);
    inform('The path is copied.');
  } catch {
    complain(new Error('The browser does not let this page write to the clipboard.'));
  }
}

