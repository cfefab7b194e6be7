// The names of all files, for finding one by a few letters: walked from above, with a bound, what
// programs fetch and make (node_modules and the like) last.

import { listFolder } from './files_api';
import { joinPath, nameOf } from './paths';

export const kNamesMax = 20_000;
const kFoldersMax = 2_000;
const kAtOnce = 4;
const kLater = new Set(['node_modules', 'target', 'build', 'dist', '.cache', '.venv', 'venv', '__pycache__', '.git']);

export interface Names {
  paths: string[];
  whole: boolean;  // all of them
}

// `told` gets what is known so far, now and then.
export async function walk(told: (names: Names) => void, signal: AbortSignal): Promise<void> {
  const paths: string[] = [];
  const first = [''];
  const later: string[] = [];
  let seen = 0;
  let whole = true;
  const step = async (folder: string): Promise<void> => {
    const entries = await listFolder(folder).catch(() => undefined);
    if (!entries) return;
    for (const entry of entries) {
      if (entry.usable === false) continue;
      const path = joinPath(folder, entry.name);
      // A link to a folder may lead back to where it stands.
      if (entry.kind === 'folder') entry.link || (kLater.has(nameOf(path)) ? later : first).push(path);
      else if (entry.kind === 'file') paths.push(path);
    }
  };
  while (first.length || later.length) {
    if (signal.aborted) return;
    if (seen >= kFoldersMax || paths.length >= kNamesMax) {
      whole = false;
      break;
    }
    const from = first.length ? first : later;
    const some = from.splice(0, kAtOnce);
    seen += some.length;
    await Promise.all(some.map(step));
    told({ paths, whole: false });
  }
  told({ paths: paths.slice(0, kNamesMax), whole });
}
