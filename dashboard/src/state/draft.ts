// What a person has begun to write, by session ("" is the new one): it outlives a look at another
// session or page, and a reload of the tab.

import { reactive, watch } from 'vue';

const kKey = 'boxagnts.drafts';

function read(): Record<string, string> {
  try {
    return JSON.parse(sessionStorage.getItem(kKey) ?? '{}');
  } catch {
    return {};
  }
}

export const drafts = reactive<Record<string, string>>(read());
watch(drafts, () => {
  const kept = Object.fromEntries(Object.entries(drafts).filter(([, text]) => text));
  try {
    sessionStorage.setItem(kKey, JSON.stringify(kept));
  } catch {
    // Too much for the tab's storage: it lives as long as the page.
  }
});

// Puts text into the composer of a session.
export function prepare(text: string, session = ''): void {
  drafts[session] = text;
}
