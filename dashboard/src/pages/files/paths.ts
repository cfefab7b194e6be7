// Paths of the files API: names with one / between them, seen from the workspace; "" is itself.

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(folder: string, name: string): string {
  return folder ? `${folder}/${name}` : name;
}

// Whether it is the folder itself or something below it; everything is in "".
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(folder + '/');
}

// Where `path` is after `from` became `to`.
export function rebase(path: string, from: string, to: string): string {
  return isWithin(path, from) && from !== '' ? to + path.slice(from.length) : path;
}

// "a/b/c" -> ["", "a", "a/b"]: the folders that lead to it.
export function foldersTo(path: string): string[] {
  const folders = [''];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
    folders.push(path.slice(0, slash));
  return folders;
}

const kNameBytesMax = 255;

// Why it is no name of a file, or ''.
export function problemOfName(name: string): string {
  if (name === '') return 'Type a name.';
  if (name === '.' || name === '..') return `“${name}” means a folder already; take another name.`;
  if (name.includes('/')) return 'A name has no / in it.';
  if (name.includes('\0')) return 'A name has no NUL in it.';
  if (new TextEncoder().encode(name).length > kNameBytesMax) return `A name has at most ${kNameBytesMax} bytes.`;
  return '';
}

export function problemOfPath(path: string): string {
  for (const name of path.split('/')) {
    const problem = problemOfName(name);
    if (problem) return name === '' ? 'A path is names with one / between them, as in docs/notes.md.' : problem;
  }
  return '';
}

// How much of a name stands before its ending: "notes.md" -> 5, ".env" -> 4.
export function stemLength(name: string): number {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? dot : name.length;
}

// "notes.md" -> "notes (2).md" -> "notes (3).md", the first that is not taken.
export function freeName(name: string, taken: (name: string) => boolean): string {
  const stem = name.slice(0, stemLength(name));
  const ending = name.slice(stemLength(name));
  for (let number = 2; ; ++number) {
    const candidate = `${stem} (${number})${ending}`;
    if (!taken(candidate)) return candidate;
  }
}
