import { describe, expect, it } from 'vitest';

import { parseDiff } from './diff';

describe('parseDiff', () => {
  it('reads files, lines and their numbers', () => {
    const [one, two] = parseDiff(
      'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n' +
      'diff --git a/new b/new\nnew file mode 100644\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n\\ No newline at end of file\n');
    expect(one).toMatchObject({ path: 'x', added: 1, removed: 1, note: '' });
    expect(one!.lines.map(line => [line.kind, line.before, line.after])).toEqual([
      ['hunk', undefined, undefined], ['same', 1, 1], ['removed', 2, undefined], ['added', undefined, 2], ['same', 3, 3],
    ]);
    expect(two).toMatchObject({ path: 'new', added: 1, removed: 0 });
  });
  it('takes lines of a hunk for what they are, whatever they say', () => {
    const [one, ...rest] = parseDiff('--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/y\n-diff --git\n+++ b/z\n+@@ -1 +1 @@\n');
    expect(rest).toEqual([]);
    expect(one!.lines.map(line => line.text)).toEqual(['@@ -1,2 +1,2 @@', '-- a/y', 'diff --git', '++ b/z', '@@ -1 +1 @@']);
  });
  it('keeps what is no hunk as a note', () => {
    expect(parseDiff('diff --git a/p b/p\nBinary files differ\n')).toMatchObject([{ path: 'p', note: 'Binary files differ', lines: [] }]);
    expect(parseDiff('')).toEqual([]);
    expect(parseDiff('nothing of a diff')).toMatchObject([{ note: 'nothing of a diff' }]);
  });
});
