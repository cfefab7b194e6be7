// The acts that menus offer: of an entry of the tree, of the whole workspace, of the open file.

import { ArrowLeftRight, ClipboardCopy, Copy, CopyPlus, Download, FilePlus, FolderInput, FolderPlus, FolderUp, Pencil, Search, Trash2, Upload, WrapText } from '@lucide/vue';

import type { MenuEntry } from '../../components/AppMenu.vue';
import { attempt } from '../../state/toasts';
import {
  askCopy, askMove, askNewFile, askNewFolder, askRename, closeOthers, comparedWith, copyPath, downloadPath, openPath, quickOpen, remove,
} from './acts';
import { entryOf, loadFile } from './files_api';
import { setLineEnd, type OpenFile } from './open_files';
import { wrapsLines, turnWrap } from './wrap';
import { closeAll } from './tree';
import { folderAt, type Row } from './tree_model';

type Pick = (folder: string, kind: 'files' | 'folder') => void;

function makingEntries(folder: string, pick: Pick): MenuEntry[] {
  return [
    { label: 'New file…', icon: FilePlus, run: () => askNewFile(folder) },
    { label: 'New folder…', icon: FolderPlus, run: () => askNewFolder(folder) },
    { label: 'Upload files…', icon: Upload, run: () => pick(folder, 'files') },
    { label: 'Upload a folder…', icon: FolderUp, run: () => pick(folder, 'folder') },
  ];
}

function pathEntries(path: string): MenuEntry[] {
  return [
    { label: 'Rename…', icon: Pencil, separated: true, run: () => askRename(path) },
    { label: 'Move…', icon: FolderInput, run: () => askMove(path) },
    { label: 'Copy…', icon: CopyPlus, run: () => askCopy(path) },
    { label: 'Copy path', icon: ClipboardCopy, run: () => void copyPath(path, true) },
    { label: 'Copy path from the workspace', icon: Copy, run: () => void copyPath(path, false) },
    { label: 'Delete', icon: Trash2, danger: true, separated: true, run: () => void remove(path) },
  ];
}

export function menuOfRow(row: Row | undefined, pick: Pick): MenuEntry[] {
  if (!row)
    return [...makingEntries('', pick), { label: 'Close all folders', separated: true, run: closeAll }];
  if (row.entry.usable === false)
    return [{ label: 'Its name is not UTF-8', detail: 'Rename it with another program to use it here.', disabled: true, run: () => {} }];
  if (row.entry.kind === 'folder') return [...makingEntries(folderAt(row), pick), ...pathEntries(row.path)];
  return [
    { label: 'Open', run: () => openPath(row.path, true) },
    { label: 'Download', icon: Download, run: () => downloadPath(row.path) },
    ...pathEntries(row.path),
  ];
}

// Text of another file beside this one's.
function compare(file: OpenFile): void {
  quickOpen.value = {
    title: 'Compare with which file?',
    choose: path => void attempt(async () => {
      const { content } = await loadFile(path, await entryOf(path));
      if (content.kind !== 'text') throw new Error('Only text can be compared, and this file holds none, or too much of it.');
      comparedWith.value = { file, path, text: content.text };
    }),
  };
}

export function menuOfFile(file: OpenFile, find: () => void): MenuEntry[] {
  const isText = file.phase === 'ready' && file.kind === 'text';
  const canEdit = isText && !file.readOnly;
  const ends = file.format.lineEnd;
  return [
    ...(isText ? [
      { label: 'Find and replace', icon: Search, run: find },
      { label: 'Wrap long lines', icon: WrapText, checked: wrapsLines.value, run: turnWrap },
      { label: 'Show unsaved changes', icon: ArrowLeftRight, disabled: !file.dirty, run: () => (file.shown = 'changes') },
      { label: 'Compare with another file…', icon: ArrowLeftRight, run: () => compare(file) },
    ] : []),
    ...(canEdit && ends !== 'lf' ? [{ label: 'Turn line ends to LF', run: () => setLineEnd(file, 'lf') }] : []),
    ...(canEdit && ends !== 'crlf' ? [{ label: 'Turn line ends to CRLF', run: () => setLineEnd(file, 'crlf') }] : []),
    { label: 'Download', icon: Download, separated: isText, run: () => downloadPath(file.path) },
    { label: 'Close other files', detail: 'But for those with unsaved text', run: () => void closeOthers(file) },
    ...(file.gone ? [] : pathEntries(file.path)),
  ];
}
