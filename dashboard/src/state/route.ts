// Where the person is: "#/PAGE/REST". The address is the only home of it.

import { reactive } from 'vue';

export const kPages = ['chat', 'files', 'tools', 'settings'] as const;
export type Page = (typeof kPages)[number];

export const route = reactive<{ page: Page; rest: string }>({ page: 'chat', rest: '' });
// Where the person was on each page: its entry in the menu leads back there.
export const lastOf = reactive<Record<Page, string>>({ chat: '', files: '', tools: '', settings: '' });

function read(): void {
  const [, page = '', rest = ''] = /^#\/([a-z]+)\/?(.*)$/.exec(location.hash) ?? [];
  route.page = kPages.find(known => known === page) ?? 'chat';
  try {
    route.rest = decodeURIComponent(rest);
  } catch {
    route.rest = '';  // a hand-made address with a bad %
  }
  lastOf[route.page] = route.rest;
}

export function addressOf(page: Page, rest = ''): string {
  return `#/${page}` + (rest ? '/' + rest.split('/').map(encodeURIComponent).join('/') : '');
}

export function go(page: Page, rest = ''): void {
  location.hash = addressOf(page, rest);
}

// In place of the address that is there now: going back does not come here again.
export function replace(page: Page, rest = ''): void {
  history.replaceState(null, '', addressOf(page, rest));
  read();
}

window.addEventListener('hashchange', read);
read();
