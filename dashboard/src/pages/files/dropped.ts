// What a drop or a file picker gives: files with their paths, and folders (also empty ones).

export interface Dropped {
  files: { path: string; file: File }[];
  folders: string[];
}

// Of <input type="file">, with or without webkitdirectory.
export function droppedOfInput(list: FileList | null): Dropped {
  return {
    files: [...(list ?? [])].map(file => ({ path: file.webkitRelativePath || file.name, file })),
    folders: [],
  };
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

// A reader gives a folder in portions; an empty one is the end.
async function entriesIn(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function collect(entry: FileSystemEntry, above: string, into: Dropped): Promise<void> {
  const path = above + entry.name;
  if (entry.isFile) {
    into.files.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
  } else {
    into.folders.push(path);
    for (const inner of await entriesIn(entry as FileSystemDirectoryEntry)) await collect(inner, `${path}/`, into);
  }
}

// Must be called while the event is being handled; what it gives comes later.
export async function droppedOf(transfer: DataTransfer): Promise<Dropped> {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  const dropped: Dropped = { files: [], folders: [] };
  if (entries.some(Boolean)) for (const entry of entries) entry && (await collect(entry, '', dropped));
  else dropped.files.push(...plain.map(file => ({ path: file.name, file })));
  return dropped;
}
