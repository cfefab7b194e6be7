// What the page asks of an editor that is there or still being loaded.

import { shallowRef } from 'vue';

import type { OpenFile } from './open_files';

export interface EditorHandle {
  focus(): void;
  search(): void;
}

// The editor that is on the page, if one is.
export const shownEditor = shallowRef<EditorHandle>();

// Where each file was scrolled to when its editor went.
export const scrollPlaces = new WeakMap<OpenFile, unknown>();

let wished: string | undefined;

// The next editor of this file takes the focus.
export function wishFocus(path: string): void {
  wished = path;
}

export function takeFocusWish(path: string): boolean {
  const is = wished === path;
  if (is) wished = undefined;
  return is;
}
