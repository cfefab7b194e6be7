import { expect, test } from 'vitest';

import { foldersTo, freeName, isWithin, joinPath, nameOf, parentOf, problemOfName, problemOfPath, rebase, stemLength } from './paths';

test('parts of a path', () => {
  expect([parentOf('a/b/c'), parentOf('a'), nameOf('a/b'), nameOf('a'), joinPath('', 'a'), joinPath('a', 'b')])
    .toEqual(['a/b', '', 'b', 'a', 'a', 'a/b']);
  expect(foldersTo('a/b/c')).toEqual(['', 'a', 'a/b']);
  expect(foldersTo('a')).toEqual(['']);
});

test('a folder is not within one whose name begins its own', () => {
  expect(isWithin('ab/c', 'a')).toBe(false);
  expect(isWithin('a/c', 'a')).toBe(true);
  expect(isWithin('a', 'a')).toBe(true);
  expect(isWithin('a', '')).toBe(true);
});

test('what was moved takes along what it holds and nothing else', () => {
  expect(rebase('a/b', 'a', 'x/y')).toBe('x/y/b');
  expect(rebase('a', 'a', 'b')).toBe('b');
  expect(rebase('ab', 'a', 'b')).toBe('ab');
});

test('names that cannot be say why', () => {
  for (const name of ['', '.', '..', 'a/b', 'a\0', 'é'.repeat(128)]) expect(problemOfName(name)).not.toBe('');
  for (const name of ['a', '.env', ' ', 'é'.repeat(127), '<b>', 'a\nb']) expect(problemOfName(name)).toBe('');
  for (const path of ['', 'a//b', '/a', 'a/', 'a/../b']) expect(problemOfPath(path)).not.toBe('');
  expect(problemOfPath('a/b c/d')).toBe('');
});

test('the ending of a name is kept', () => {
  expect([stemLength('a.md'), stemLength('.env'), stemLength('a'), stemLength('a.tar.gz')]).toEqual([1, 4, 1, 5]);
  expect(freeName('a.md', () => false)).toBe('a (2).md');
  expect(freeName('a.md', name => name === 'a (2).md')).toBe('a (3).md');
});
