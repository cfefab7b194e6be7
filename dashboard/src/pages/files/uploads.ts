// Files on their way into the workspace: one after the other, over nothing without asking.

import { computed, markRaw, ref, shallowReactive } from 'vue';

import { ApiError, upload } from '../../api/http';
import type { FileEntry } from '../../api/types';
import { plural, visibleName } from '../../state/text';
import { inform } from '../../state/toasts';
import { contentAddress, entryIfAny, type Expected, headersFor, isConflict, makeFolder, told } from './files_api';
import { foldersTo, freeName, joinPath, nameOf, parentOf } from './paths';
import { load, openFolder } from './tree';
import type { Dropped } from './dropped';

export interface Upload {
  id: number;
  path: string;
  file: File;
  sent: number;
  state: 'waiting' | 'sending' | 'done' | 'taken' | 'failed';
  error: string;
}

export const uploads = shallowReactive<Upload[]>([]);
export const sending = computed(() => uploads.some(one => one.state === 'waiting' || one.state === 'sending'));
export const taken = computed(() => uploads.filter(one => one.state === 'taken'));
export const failed = computed(() => uploads.filter(one => one.state === 'failed'));
export const share = computed(() => {
  const bytes = uploads.reduce((sum, one) => sum + one.file.size + 1, 0);
  const sent = uploads.reduce((sum, one) => sum + (one.state === 'done' ? one.file.size + 1 : one.sent), 0);
  return bytes ? sent / bytes : 0;
});
export const folderError = ref('');
let nextId = 1;
let abort = new AbortController();

async function send(one: Upload, expected: Expected): Promise<void> {
  one.state = 'sending';
  one.sent = 0;
  one.error = '';
  try {
    // Asked for first, so that a large file is not sent only to be refused.
    if (expected === 'nothing' && (await entryIfAny(one.path))) {
      one.state = 'taken';
      return;
    }
    await upload<FileEntry>(contentAddress(one.path), one.file,
      { 'Content-Type': 'application/octet-stream', ...headersFor(expected) },
      bytes => (one.sent = Math.min(bytes, one.file.size)), abort.signal);
    one.state = 'done';
  } catch (error) {
    if (isConflict(error)) {
      one.state = 'taken';
    } else if (error instanceof DOMException) {
      one.state = 'failed';
      one.error = 'Stopped.';
    } else {
      one.state = 'failed';
      // A browser reads a dropped file when it is sent; one that is gone by then has no answer.
      one.error = error instanceof ApiError && error.status === 0
        ? 'It could not be sent: the file cannot be read, or the server does not answer.' : told(error);
    }
  }
}

async function haveFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
  } catch (error) {
    if (!isConflict(error) || (await entryIfAny(path))?.kind !== 'folder') throw error;
  }
}

let running = false;
async function sendWaiting(): Promise<void> {
  if (running) return;
  running = true;
  const touched = new Set<string>();
  let done = 0;
  try {
    for (let one = uploads.find(each => each.state === 'waiting'); one; one = uploads.find(each => each.state === 'waiting')) {
      await send(one, 'nothing');
      touched.add(parentOf(one.path));
      if (one.state === 'done') ++done;
    }
  } finally {
    running = false;
  }
  await finish(touched, done);
}

async function finish(touched: Iterable<string>, done: number): Promise<void> {
  for (const folder of touched) await load(folder).catch(() => false);
  if (done > 0) inform(`${plural(done, 'file')} uploaded.`);
  if (!taken.value.length && !failed.value.length && !folderError.value) uploads.splice(0);
}

// Puts what was dropped or chosen into a folder.
export async function uploadInto(folder: string, dropped: Dropped): Promise<void> {
  folderError.value = '';
  if (!sending.value) {
    abort = new AbortController();
    for (const one of uploads.filter(each => each.state === 'done')) uploads.splice(uploads.indexOf(one), 1);
  }
  const folders = new Set([...dropped.folders, ...dropped.files.flatMap(one => foldersTo(one.path))].filter(Boolean));
  for (const below of [...folders].sort()) {
    try {
      await haveFolder(joinPath(folder, below));
    } catch (error) {
      folderError.value = `${visibleName(joinPath(folder, below))}: ${told(error)}`;
    }
  }
  if (folder) await openFolder(folder);
  else await load('').catch(() => false);
  for (const { path, file } of dropped.files)
    uploads.push(shallowReactive<Upload>({ id: nextId++, path: joinPath(folder, path), file: markRaw(file), sent: 0, state: 'waiting', error: '' }));
  await sendWaiting();
}

export type Choice = 'replace' | 'both' | 'skip';

// What shall become of those whose place is taken.
export async function settle(list: readonly Upload[], choice: Choice): Promise<void> {
  const touched = new Set<string>();
  let done = 0;
  for (const one of [...list]) {
    if (choice === 'skip') {
      uploads.splice(uploads.indexOf(one), 1);
      continue;
    }
    const there = await entryIfAny(one.path).catch(() => undefined);
    if (choice === 'replace' && there?.version) {
      await send(one, { version: there.version });
    } else if (choice === 'replace' && there) {
      one.state = 'failed';
      one.error = `A ${there.kind} of this name is there; it cannot be replaced by a file.`;
    } else {
      if (choice === 'both' && there) {
        const names = new Set<string>();
        for (;;) {
          const name = freeName(nameOf(one.path), candidate => names.has(candidate));
          if (!(await entryIfAny(joinPath(parentOf(one.path), name)))) {
            one.path = joinPath(parentOf(one.path), name);
            break;
          }
          names.add(name);
        }
      }
      await send(one, 'nothing');
    }
    touched.add(parentOf(one.path));
    if ((one.state as Upload['state']) === 'done') ++done;
  }
  await finish(touched, done);
}

export function stopUploads(): void {
  for (const one of uploads.filter(each => each.state === 'waiting')) {
    one.state = 'failed';
    one.error = 'Stopped.';
  }
  abort.abort();
}

export function clearUploads(): void {
  folderError.value = '';
  uploads.splice(0);
}
