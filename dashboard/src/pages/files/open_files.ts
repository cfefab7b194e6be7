// The files that are open: what stands on disk, what a person typed and did not save, and what
// happens when both changed. Lives as long as the page, whatever part of it is shown.

import type { EditorState, Text } from '@codemirror/state';
import { computed, markRaw, ref, shallowReactive } from 'vue';

import { type Content, entryIfAny, isConflict, type Loaded, loadFile, told, writeFile } from './files_api';
import { isWithin, nameOf, parentOf, rebase } from './paths';
import { encodeText, kPlainFormat, sameFormat, type LineEnd, type TextFormat } from './text_file';
import { reveal, watchSoon } from './tree';

export type Shown = 'edit' | 'split' | 'preview' | 'changes' | 'merge';

export interface OpenFile {
  readonly id: number;
  path: string;
  phase: 'loading' | 'ready' | 'failed';
  error: string;             // why it could not be read
  kind: Content['kind'];
  blob?: Blob;               // of an image
  readOnly: string;
  version: string;
  size: number;
  saved: string;             // its text on disk, as last read or written
  savedFormat: TextFormat;
  format: TextFormat;
  state?: EditorState;       // what is typed, once an editor was made
  savedDoc?: Text;
  dirty: boolean;
  revision: number;          // rises with every change of the text
  saving: boolean;
  saveError: string;
  gone: boolean;             // nothing stands at its path any more
  theirs?: Loaded;           // on disk now, while something else is unsaved here
  merged?: string;           // of a merge by hand that is not done
  shown: Shown;
  told: string;              // what happened without the person: "Changed on disk and loaded again."
}

export const files = shallowReactive<OpenFile[]>([]);
const activeId = ref(0);
export const active = computed(() => files.find(one => one.id === activeId.value));
export const unsaved = computed(() => files.filter(one => one.dirty));
let nextId = 1;

export function fileAt(path: string): OpenFile | undefined {
  return files.find(one => one.path === path);
}

export function textOf(file: OpenFile): string {
  return file.state ? file.state.sliceDoc() : file.saved;
}

// Whether what is typed differs from what is on disk.
export function judge(file: OpenFile): void {
  const same = !file.state || !file.savedDoc || file.state.doc.eq(file.savedDoc);
  file.dirty = !same || !sameFormat(file.format, file.savedFormat);
}

// The text of an editor changes with all that belongs to it (undo, cursor); only then is it loaded.
async function putText(file: OpenFile, text: string): Promise<void> {
  if (!file.state) return;
  (await import('./editor_state')).replaceText(file, text);
}

async function take(file: OpenFile, loaded: Loaded): Promise<void> {
  const { content } = loaded;
  file.version = loaded.version;
  file.size = loaded.size;
  file.theirs = undefined;
  file.merged = undefined;
  file.gone = false;
  file.error = '';
  file.saveError = '';
  file.blob = content.kind === 'image' ? content.blob : undefined;
  if (content.kind === 'text') {
    const wasText = file.kind === 'text' && file.phase === 'ready' && file.readOnly === content.readOnly;
    file.saved = content.text;
    file.savedFormat = file.format = content.format;
    if (!wasText) file.state = undefined;
    file.readOnly = content.readOnly;
    await putText(file, content.text);
    if (file.state) file.savedDoc = markRaw(file.state.doc);
    file.revision += 1;
    if (file.shown === 'merge' || file.shown === 'changes') file.shown = 'edit';
  } else {
    file.state = file.savedDoc = undefined;
    file.readOnly = '';
    file.shown = 'edit';
  }
  file.kind = content.kind;
  file.phase = 'ready';
  judge(file);
}

export async function loadAgain(file: OpenFile): Promise<void> {
  file.phase = 'loading';
  file.told = '';
  try {
    const entry = await entryIfAny(file.path);
    if (!entry) throw new Error(`There is no “${nameOf(file.path)}” here. It may have been moved or deleted.`);
    await take(file, await loadFile(file.path, entry));
  } catch (error) {
    file.error = told(error);
    file.phase = 'failed';
  }
}

function makeFile(path: string): OpenFile {
  return shallowReactive<OpenFile>({
    id: nextId++, path, phase: 'loading', error: '', kind: 'text', readOnly: '', version: '', size: 0, saved: '',
    savedFormat: kPlainFormat, format: kPlainFormat, dirty: false, revision: 0, saving: false, saveError: '', gone: false,
    shown: 'edit', told: '',
  });
}

// Shows it; reads it unless it is open already. A folder is shown in the tree only: 'folder'.
export async function show(path: string): Promise<'file' | 'folder'> {
  const known = fileAt(path);
  if (known) {
    activeId.value = known.id;
    void reveal(path);
    if (known.phase === 'failed') await loadAgain(known);
    return 'file';
  }
  const file = makeFile(path);
  files.push(file);
  activeId.value = file.id;
  void reveal(path);
  watchSoon();
  const entry = await entryIfAny(path).catch(() => undefined);
  if (entry?.kind === 'folder') {
    drop(file);
    return 'folder';
  }
  await loadAgain(file);
  return 'file';
}

// Takes it away; the one that is shown then.
export function drop(file: OpenFile): OpenFile | undefined {
  const at = files.indexOf(file);
  if (at < 0) return active.value;
  files.splice(at, 1);
  if (activeId.value === file.id) activeId.value = (files[at] ?? files[at - 1])?.id ?? 0;
  watchSoon();
  return active.value;
}

// --- saving

// Puts a text there; what was typed meanwhile stays unsaved.
async function write(file: OpenFile, text: string, expected: Parameters<typeof writeFile>[2]): Promise<void> {
  const format = file.format;
  const doc = file.state?.doc;
  const bytes = encodeText(text, format);
  const entry = await writeFile(file.path, bytes, expected);
  file.version = entry.version ?? '';
  file.size = entry.size;
  file.saved = text;
  file.savedFormat = format;
  if (doc) file.savedDoc = markRaw(doc);
  file.gone = false;
  file.theirs = undefined;
  file.merged = undefined;
  file.told = '';
  if (file.shown === 'merge') file.shown = 'edit';
  judge(file);
}

async function guarded(file: OpenFile, act: () => Promise<void>): Promise<boolean> {
  if (file.saving) return false;
  file.saving = true;
  file.saveError = '';
  let isSaved = false;
  try {
    await act();
    isSaved = true;
  } catch (error) {
    file.saveError = told(error);
    if (isConflict(error)) await compareWithDisk(file).catch(() => {});
    // What stands beside it then says more than the refusal.
    if (file.theirs || file.gone) file.saveError = '';
  } finally {
    file.saving = false;
  }
  if (checkAfter.delete(file.id)) void check(file);
  return isSaved;
}

export function save(file: OpenFile): Promise<boolean> {
  if (file.phase !== 'ready' || file.kind !== 'text' || file.readOnly) return Promise.resolve(false);
  if (!file.dirty && !file.gone) return Promise.resolve(true);
  if (file.theirs) return Promise.resolve(false);  // the person chooses first
  return guarded(file, async () => {
    try {
      await write(file, textOf(file), file.gone ? 'nothing' : { version: file.version });
    } catch (error) {
      // Its date or permissions changed, its text did not: that is no conflict.
      if (!isConflict(error) || file.gone || !(await compareWithDisk(file))) throw error;
      await write(file, textOf(file), { version: file.version });
    }
  });
}

export function keepMine(file: OpenFile): Promise<boolean> {
  const theirs = file.theirs;
  return theirs ? guarded(file, () => write(file, textOf(file), { version: theirs.version })) : Promise.resolve(false);
}

// What was typed can be brought back by Undo.
export async function takeTheirs(file: OpenFile): Promise<void> {
  if (!file.theirs) return;
  await take(file, file.theirs);
  file.told = file.kind === 'text' ? 'What is on disk was taken. Undo brings back what you had.' : '';
}

export async function saveMerged(file: OpenFile, text: string): Promise<boolean> {
  const theirs = file.theirs;
  if (!theirs) return false;
  file.merged = text;
  await putText(file, text);
  return guarded(file, () => write(file, text, { version: theirs.version }));
}

export function setLineEnd(file: OpenFile, lineEnd: LineEnd): void {
  if (file.format.lineEnd === 'mixed') void putText(file, textOf(file).replace(/\r\n?/g, '\n'));
  file.format = { ...file.format, lineEnd };
  file.revision += 1;
  judge(file);
}

// --- what changes on disk

const checking = new Map<number, { again: boolean }>();
const checkAfter = new Set<number>();

// Looks at what stands on disk; for a file with unsaved text. true: nothing that matters changed.
async function compareWithDisk(file: OpenFile): Promise<boolean> {
  const entry = await entryIfAny(file.path);
  if (!entry) {
    file.gone = true;
    file.theirs = undefined;
    return false;
  }
  const loaded = await loadFile(file.path, entry);
  const { content } = loaded;
  if (content.kind === 'text' && sameFormat(content.format, file.savedFormat) && content.text === file.saved) {
    file.version = loaded.version;
    file.gone = false;
    file.theirs = undefined;
    return true;
  }
  if (content.kind === 'text' && sameFormat(content.format, file.format) && content.text === textOf(file)) {
    await take(file, loaded);
    return true;
  }
  file.gone = false;
  file.theirs = markRaw(loaded);
  return false;
}

async function checkOnce(file: OpenFile): Promise<void> {
  const entry = await entryIfAny(file.path);
  if (!entry) {
    file.gone = true;
    file.theirs = undefined;
    return;
  }
  if (file.phase === 'failed') return loadAgain(file);
  const isSame = entry.version === file.version;
  if (isSame && !file.gone) return void (file.theirs = undefined);
  if (entry.version === file.theirs?.version) return;
  if (file.dirty) {
    await compareWithDisk(file);
    return;
  }
  const wasGone = file.gone;
  const loaded = await loadFile(file.path, entry);
  // Typed meanwhile: then it is a question for the person.
  if (file.dirty) return void (await compareWithDisk(file));
  const isChanged = loaded.content.kind !== 'text' || loaded.content.text !== file.saved;
  await take(file, loaded);
  if (isChanged || wasGone) file.told = wasGone ? 'It is there again.' : 'It changed on disk; this is how it is now.';
}

// One at a time for each file, and once more where it changed meanwhile; not while it is saved.
export async function check(file: OpenFile): Promise<void> {
  if (file.saving) return void checkAfter.add(file.id);
  if (file.phase === 'loading') return;
  const now = checking.get(file.id);
  if (now) return void (now.again = true);
  const mine = { again: false };
  checking.set(file.id, mine);
  try {
    do {
      mine.again = false;
      await checkOnce(file);
    } while (mine.again);
  } catch {
    // The connection broke; everything is looked at again when it is back.
  } finally {
    checking.delete(file.id);
  }
}

export function diskChanged(folder?: string): void {
  for (const file of files)
    if (folder === undefined || parentOf(file.path) === folder || file.gone) void check(file);
}

// --- what the person does with paths

export function filesMoved(from: string, to: string): void {
  for (const file of files)
    if (isWithin(file.path, from)) {
      file.path = rebase(file.path, from, to);
      file.revision += 1;
    }
}

// Those without unsaved text are closed; the others stay and say that the file is gone.
export function filesRemoved(path: string): void {
  for (const file of [...files]) {
    if (!isWithin(file.path, path)) continue;
    if (file.dirty) file.gone = true;
    else drop(file);
  }
}
