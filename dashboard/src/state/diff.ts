// Unified diffs, as the server writes them, to files and lines. Pure.

export interface DiffLine {
  kind: 'added' | 'removed' | 'same' | 'hunk';
  text: string;
  before?: number;
  after?: number;
}
export interface DiffFile {
  path: string;
  added: number;
  removed: number;
  note: string;       // what the diff says in place of lines: binary, mode
  lines: DiffLine[];
}

function pathOf(line: string): string {
  const path = line.slice(4).replace(/\t.*$/, '');
  return path === '/dev/null' ? '' : path.replace(/^[ab]\//, '');
}

// A line that is no part of a hunk is kept as the file's note, never guessed at.
export function parseDiff(text: string): DiffFile[] {
  const files: DiffFile[] = [];
  let file: DiffFile | undefined;
  let before = 0;
  let after = 0;
  let beforeLeft = 0;
  let afterLeft = 0;
  const begin = (): DiffFile => {
    const one: DiffFile = { path: '', added: 0, removed: 0, note: '', lines: [] };
    files.push(one);
    return one;
  };
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (let at = 0; at < lines.length; ++at) {
    const line = lines[at]!;
    if (beforeLeft > 0 || afterLeft > 0) {
      const sign = line[0];
      if (sign === '+') {
        file!.lines.push({ kind: 'added', text: line.slice(1), after: after++ });
        file!.added += 1;
        afterLeft -= 1;
        continue;
      }
      if (sign === '-') {
        file!.lines.push({ kind: 'removed', text: line.slice(1), before: before++ });
        file!.removed += 1;
        beforeLeft -= 1;
        continue;
      }
      if (sign === ' ' || line === '') {
        file!.lines.push({ kind: 'same', text: line.slice(1), before: before++, after: after++ });
        beforeLeft -= 1;
        afterLeft -= 1;
        continue;
      }
    }
    if (line.startsWith('\\')) continue;  // "\ No newline at end of file"
    if (line.startsWith('--- ') && lines[at + 1]?.startsWith('+++ ')) {
      const path = pathOf(lines[at + 1]!) || pathOf(line);
      if (!file || file.lines.length > 0) file = begin();
      file.path = path;
      beforeLeft = afterLeft = 0;
      at += 1;
      continue;
    }
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/.exec(line);
    if (hunk && file) {
      before = Number(hunk[1]);
      after = Number(hunk[3]);
      beforeLeft = Number(hunk[2] ?? 1);
      afterLeft = Number(hunk[4] ?? 1);
      file.lines.push({ kind: 'hunk', text: line });
      continue;
    }
    beforeLeft = afterLeft = 0;
    if (!line.trim() || /^(index |new file mode 100644$)/.test(line)) continue;
    if (line.startsWith('diff ')) {
      file = begin();
      file.path = / b\/(.*)$/.exec(line)?.[1] ?? '';
      continue;
    }
    file ??= begin();
    file.note += (file.note ? '\n' : '') + line;
  }
  return files;
}
