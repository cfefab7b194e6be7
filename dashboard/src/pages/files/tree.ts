// The tree as it is now: folders are read when they are opened, and again when the server tells
// that something in them changed.

import { computed, ref, shallowReactive } from 'vue';

import { on, watchFolders } from '../../api/live';
import type { FileEntry } from '../../api/types';
import { complain } from '../../state/toasts';
import { isMissing, listFolder, told } from './files_api';
import { foldersTo, isWithin, parentOf, rebase } from './paths';
import { foldersToWatch, rowsOf } from './tree_model';

const folders = shallowReactive(new Map<string, readonly FileEntry[]>());
const open = shallowReactive(new Set<string>());
export const loading = shallowReactive(new Set<string>());
export const rootError = ref('');
// The row that keys act on.
export const cursor = ref('');
export const rows = computed(() => rowsOf(folders, open));
export const rootLoaded = computed(() => folders.has(''));
export const knownFolders = computed(() =>
  [...folders].flatMap(([folder, entries]) =>
    entries.filter(one => one.kind === 'folder').map(one => (folder ? `${folder}/${one.name}` : one.name))).sort());

export function entriesOf(folder: string): readonly FileEntry[] | undefined {
  return folders.get(folder);
}

function forget(folder: string): void {
  for (const known of [...folders.keys()]) if (known !== '' && isWithin(known, folder)) folders.delete(known);
  for (const known of [...open]) if (isWithin(known, folder)) open.delete(known);
}

// Reads of one folder: one at a time, and once more where it changed meanwhile.
const reading = new Map<string, { again: boolean; done: Promise<boolean> }>();

async function read(folder: string): Promise<boolean> {
  try {
    const entries = await listFolder(folder);
    folders.set(folder, entries);
    if (folder === '') rootError.value = '';
    const names = new Set(entries.filter(one => one.kind === 'folder').map(one => one.name));
    for (const known of [...folders.keys()])
      if (known !== '' && parentOf(known) === folder && !names.has(known.slice(folder ? folder.length + 1 : 0))) forget(known);
    return true;
  } catch (error) {
    if (folder === '') rootError.value = told(error);
    else if (isMissing(error)) forget(folder);
    else throw error;
    return false;
  }
}

// Whether it is there.
export function load(folder: string): Promise<boolean> {
  const now = reading.get(folder);
  if (now) {
    now.again = true;
    return now.done;
  }
  const mine = { again: false, done: Promise.resolve(false) };
  reading.set(folder, mine);
  loading.add(folder);
  mine.done = (async () => {
    try {
      let isThere = await read(folder);
      while (mine.again) {
        mine.again = false;
        isThere = await read(folder);
      }
      return isThere;
    } finally {
      reading.delete(folder);
      loading.delete(folder);
      watchSoon();
    }
  })();
  return mine.done;
}

export async function openFolder(folder: string): Promise<void> {
  open.add(folder);
  try {
    await load(folder);
  } catch (error) {
    open.delete(folder);
    complain(error);
  }
}

export function closeFolder(folder: string): void {
  open.delete(folder);
  watchSoon();
}

export function turnFolder(folder: string): void {
  if (open.has(folder)) closeFolder(folder);
  else void openFolder(folder);
}

export function closeAll(): void {
  open.clear();
  watchSoon();
}

// Opens the folders that lead to it, and puts the cursor there.
export async function reveal(path: string): Promise<void> {
  for (const folder of foldersTo(path)) {
    if (folder !== '') open.add(folder);
    if (!folders.has(folder) && !(await load(folder).catch(() => false))) return;
  }
  cursor.value = path;
}

// What was moved keeps its folders open.
export function moved(from: string, to: string): void {
  for (const folder of [...open])
    if (isWithin(folder, from)) {
      open.delete(folder);
      open.add(rebase(folder, from, to));
      const entries = folders.get(folder);
      folders.delete(folder);
      if (entries) folders.set(rebase(folder, from, to), entries);
    }
  if (isWithin(cursor.value, from)) cursor.value = rebase(cursor.value, from, to);
}

// --- kept true

let openFiles: () => readonly string[] = () => [];
let timer: ReturnType<typeof setTimeout> | undefined;
const kWatchAfterMs = 120;  // a new list of folders is a new connection: not for every one of many

function watchSoon(): void {
  clearTimeout(timer);
  timer = setTimeout(() => watchFolders(foldersToWatch(folders, open, openFiles())), kWatchAfterMs);
}
export { watchSoon };

let following = false;

// `files` gives the paths of open files; `changed` is told of a folder in which something changed,
// or of none: anything may have changed.
export function followTree(files: () => readonly string[], changed: (folder?: string) => void): void {
  if (following) return;
  following = true;
  openFiles = files;
  on('files', folder => {
    if (folders.has(folder)) void load(folder).catch(() => {});
    changed(folder);
  });
  on('attached', () => {
    for (const folder of ['', ...folders.keys()])
      if (folder === '' || open.has(folder) || files().some(path => parentOf(path) === folder)) void load(folder).catch(() => {});
      else folders.delete(folder);
    changed();
  });
  void load('').catch(() => {});
}
