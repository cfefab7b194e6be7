// The tree of files as rows, and what keys do in it. Pure.

import type { FileEntry } from '../../api/types';
import { isWithin, joinPath, parentOf } from './paths';

export interface Row {
  path: string;
  entry: FileEntry;
  depth: number;      // from 0
  place: number;      // among its siblings, from 1
  siblings: number;
  open: boolean;      // a folder whose content is shown
}

export type Folders = ReadonlyMap<string, readonly FileEntry[]>;

export function rowsOf(folders: Folders, open: ReadonlySet<string>): Row[] {
  const rows: Row[] = [];
  const add = (folder: string, depth: number): void => {
    const entries = folders.get(folder) ?? [];
    entries.forEach((entry, at) => {
      const path = joinPath(folder, entry.name);
      const isOpen = entry.kind === 'folder' && entry.usable !== false && open.has(path);
      rows.push({ path, entry, depth, place: at + 1, siblings: entries.length, open: isOpen });
      if (isOpen) add(path, depth + 1);
    });
  };
  add('', 0);
  return rows;
}

export type TreeAct =
  | { kind: 'move'; to: number }
  | { kind: 'open'; row: Row }        // shows a folder's content
  | { kind: 'close'; row: Row }
  | { kind: 'choose'; row: Row };     // opens a file, or turns a folder

// What a key does, as in every tree (WAI-ARIA Authoring Practices); undefined: not ours.
export function actOfKey(key: string, rows: readonly Row[], at: number, page: number): TreeAct | undefined {
  const last = rows.length - 1;
  const row = rows[at];
  const to = (place: number): TreeAct => ({ kind: 'move', to: Math.max(0, Math.min(last, place)) });
  if (last < 0) return undefined;
  switch (key) {
    case 'ArrowDown': return to(at + 1);
    case 'ArrowUp': return to(at < 0 ? last : at - 1);
    case 'Home': return to(0);
    case 'End': return to(last);
    case 'PageDown': return to(at + page);
    case 'PageUp': return to(at - page);
  }
  if (!row) return undefined;
  const isFolder = row.entry.kind === 'folder';
  if (key === 'ArrowRight') {
    if (!isFolder) return undefined;
    if (!row.open) return { kind: 'open', row };
    return rows[at + 1] && rows[at + 1]!.depth > row.depth ? to(at + 1) : undefined;
  }
  if (key === 'ArrowLeft') {
    if (row.open) return { kind: 'close', row };
    const folder = parentOf(row.path);
    const parent = rows.findIndex(one => one.path === folder);
    return parent >= 0 ? to(parent) : undefined;
  }
  if (key === 'Enter') return { kind: 'choose', row };
  return undefined;
}

// The next row whose name begins with what was typed; one letter again and again goes on from one
// to the next. -1: none.
export function typedTo(rows: readonly Row[], at: number, typed: string): number {
  const same = [...typed].every(letter => letter === typed[0]);
  const wanted = (same ? typed.slice(0, 1) : typed).toLowerCase();
  const first = typed.length === 1 || same ? at + 1 : Math.max(at, 0);
  for (let step = 0; step < rows.length; ++step) {
    const place = (first + step) % rows.length;
    if (rows[place]!.entry.name.toLowerCase().startsWith(wanted)) return place;
  }
  return -1;
}

export const kFoldersWatchedMax = 200;     // the server takes 256, and
export const kWatchTextMax = 14_000;       // 16,000 characters in an address

// The folders that the page shall be told of: only such as are known to be there, for the stream
// is refused for one that is not. Those of open files first, then those that are shown, from above.
export function foldersToWatch(folders: Folders, open: ReadonlySet<string>, files: readonly string[]): string[] {
  const shown = [...open].filter(folder => {
    for (let up = parentOf(folder); up; up = parentOf(up)) if (!open.has(up)) return false;
    return true;
  });
  shown.sort((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));
  const wanted = new Set(['', ...files.map(parentOf), ...shown].filter(folder => folders.has(folder)));
  const watched: string[] = [];
  let length = 0;
  for (const folder of wanted) {
    length += encodeURIComponent(JSON.stringify(folder)).length + 3;
    if (watched.length >= kFoldersWatchedMax || length > kWatchTextMax) break;
    watched.push(folder);
  }
  return watched;
}

// Where something would be put if it were dropped on a row: into the folder, or beside the file.
export function folderAt(row: Row | undefined): string {
  if (!row) return '';
  return row.entry.kind === 'folder' ? row.path : parentOf(row.path);
}

// Whether `path` may be moved into `folder`: not to where it is, not into itself.
export function mayMove(path: string, folder: string): boolean {
  return parentOf(path) !== folder && !isWithin(folder === '' ? '/' : folder, path);
}
