// Texts that are being written (skills, AGENTS.md): what is not saved yet outlives a look at another
// page, and the browser asks before it throws it away.

import { reactive } from 'vue';

export interface TextDraft {
  text: string;
  base: string;      // as it was read
  version: string;   // of what was read; '': there was no file
}

export const textDrafts = reactive(new Map<string, TextDraft>());

window.addEventListener('beforeunload', event => {
  if ([...textDrafts.values()].some(one => one.text !== one.base)) event.preventDefault();
});
