import { expect, test } from 'vitest';

import type { FileEntry } from '../../api/types';
import { actOfKey, folderAt, foldersToWatch, mayMove, rowsOf, typedTo } from './tree_model';

const entry = (name: string, kind: FileEntry['kind'] = 'file'): FileEntry => ({ name, kind, size: 0, modified: '' });
const folders = new Map([
  ['', [entry('docs', 'folder'), entry('src', 'folder'), entry('readme.md'), entry('run')]],
  ['docs', [entry('a.md'), entry('b.md')]],
  ['src', [entry('deep', 'folder')]],
  ['src/deep', [entry('x.cc')]],
]);
const open = new Set(['docs', 'src/deep']);
const rows = rowsOf(folders, open);

test('rows are what open folders hold, each with its place', () => {
  expect(rows.map(row => row.path)).toEqual(['docs', 'docs/a.md', 'docs/b.md', 'src', 'readme.md', 'run']);
  expect(rows[1]).toMatchObject({ depth: 1, place: 1, siblings: 2, open: false });
  expect(rows[0]!.open).toBe(true);
});

test('keys go through the rows as in every tree', () => {
  const key = (name: string, at: number) => actOfKey(name, rows, at, 10);
  expect(key('ArrowDown', 0)).toEqual({ kind: 'move', to: 1 });
  expect(key('ArrowDown', 5)).toEqual({ kind: 'move', to: 5 });
  expect(key('ArrowUp', 0)).toEqual({ kind: 'move', to: 0 });
  expect(key('End', 0)).toEqual({ kind: 'move', to: 5 });
  expect(key('PageDown', 0)).toEqual({ kind: 'move', to: 5 });
  expect(key('ArrowRight', 3)).toEqual({ kind: 'open', row: rows[3] });
  expect(key('ArrowRight', 0)).toEqual({ kind: 'move', to: 1 });
  expect(key('ArrowRight', 1)).toBeUndefined();
  expect(key('ArrowLeft', 0)).toEqual({ kind: 'close', row: rows[0] });
  expect(key('ArrowLeft', 2)).toEqual({ kind: 'move', to: 0 });
  expect(key('ArrowLeft', 4)).toBeUndefined();
  expect(key('Enter', 1)).toEqual({ kind: 'choose', row: rows[1] });
  expect(key('x', 1)).toBeUndefined();
  expect(actOfKey('ArrowDown', [], -1, 10)).toBeUndefined();
});

test('typing goes to the next name that begins so', () => {
  expect(typedTo(rows, 0, 'r')).toBe(4);
  expect(typedTo(rows, 4, 'r')).toBe(5);
  expect(typedTo(rows, 5, 'rr')).toBe(4);
  expect(typedTo(rows, 4, 'ru')).toBe(5);
  expect(typedTo(rows, 0, 'q')).toBe(-1);
});

test('watched is what is shown and known, and never more than the server takes', () => {
  expect(foldersToWatch(folders, open, ['src/y.cc', 'gone/z'])).toEqual(['', 'src', 'docs']);
  const many = new Map([['', []], ...Array.from({ length: 500 }, (_, at) => [`f${at}`, []] as [string, FileEntry[]])]);
  expect(foldersToWatch(many, new Set(many.keys()), []).length).toBe(200);
  const long = new Map([['', []], ...Array.from({ length: 50 }, (_, at) => [`é${'é'.repeat(200)}${at}`, []] as [string, FileEntry[]])]);
  expect(encodeURIComponent(JSON.stringify(foldersToWatch(long, new Set(long.keys()), []))).length).toBeLessThan(16_000);
});

test('what is dropped goes into a folder, never into itself', () => {
  expect([folderAt(rows[0]), folderAt(rows[1]), folderAt(rows[4]), folderAt(undefined)]).toEqual(['docs', 'docs', '', '']);
  expect(mayMove('docs', 'docs/in')).toBe(false);
  expect(mayMove('docs', 'docs')).toBe(false);
  expect(mayMove('docs', '')).toBe(false);
  expect(mayMove('docs/a.md', 'docs')).toBe(false);
  expect(mayMove('docs/a.md', '')).toBe(true);
  expect(mayMove('docs', 'docs2')).toBe(true);
});
