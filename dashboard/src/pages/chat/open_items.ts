// Which items of the conversation a person opened or closed. Outside the components: an item that
// scrolls out of sight is not drawn, and comes back as it was.

import { shallowReactive } from 'vue';

const byHand = shallowReactive(new Map<string, boolean>());

export function isOpen(key: string, otherwise = false): boolean {
  return byHand.get(key) ?? otherwise;
}

export function setOpen(key: string, open: boolean): void {
  byHand.set(key, open);
}

export function forget(): void {
  byHand.clear();
}
