// The sessions of the workspace, as the list beside the chat shows them: fetched once, then kept
// true by the event stream.

import { computed, ref, shallowRef } from 'vue';

import { api, ApiError, query } from '../api/http';
import { on } from '../api/live';
import type { Session } from '../api/types';

const byId = shallowRef(new Map<string, Session>());
const next = ref<string>();
export const filter = ref('');       // words to search for
export const tagFilter = ref('');
const found = shallowRef<Session[]>();
export const searching = ref(false);
export const listLoaded = ref(false);

// Of the list as it is filtered, the one that changed last first.
export const sessions = computed<Session[]>(() => {
  if (found.value) return found.value.map(one => ({ ...one, ...byId.value.get(one.id), found: one.found }));
  return [...byId.value.values()].sort((a, b) => (a.updated < b.updated ? 1 : -1));
});
export const waitingCount = computed(() => [...byId.value.values()].filter(one => (one.waiting ?? 0) > 0).length);
export const runningCount = computed(() => [...byId.value.values()].filter(one => one.running).length);
export const hasMore = computed(() => (found.value ? false : next.value !== undefined));
export const knownTags = computed(() =>
  [...new Set([...byId.value.values()].flatMap(one => one.tags ?? []))].sort((a, b) => a.localeCompare(b)));

export function sessionOf(id: string): Session | undefined {
  return byId.value.get(id);
}

function put(list: readonly Session[]): void {
  const map = new Map(byId.value);
  for (const session of list) map.set(session.id, session);
  byId.value = map;
}

function drop(id: string): void {
  const map = new Map(byId.value);
  map.delete(id);
  byId.value = map;
  if (found.value) found.value = found.value.filter(one => one.id !== id);
}

interface SessionPage {
  sessions: Session[];
  next?: string;
}

async function loadFirst(): Promise<void> {
  const page = await api.get<SessionPage>('/api/v1/sessions' + query({ limit: 100 }));
  // The older ones that were loaded before stay; those of the first page that are gone, go.
  const oldest = page.sessions.at(-1)?.updated ?? '';
  const map = new Map([...byId.value].filter(([, one]) => page.next !== undefined && one.updated < oldest));
  for (const session of page.sessions) map.set(session.id, session);
  byId.value = map;
  if (next.value === undefined || !listLoaded.value) next.value = page.next;
  listLoaded.value = true;
}

export async function loadMore(): Promise<void> {
  if (!next.value) return;
  const page = await api.get<SessionPage>('/api/v1/sessions' + query({ limit: 100, cursor: next.value }));
  put(page.sessions);
  next.value = page.next;
}

let searchNumber = 0;
export async function search(): Promise<void> {
  const number = ++searchNumber;
  if (!filter.value.trim() && !tagFilter.value) {
    found.value = undefined;
    searching.value = false;
    return;
  }
  searching.value = true;
  try {
    const page = await api.get<SessionPage>('/api/v1/sessions' + query({
      limit: 200,
      query: filter.value.trim() || undefined,
      tag: tagFilter.value || undefined,
    }));
    if (number === searchNumber) found.value = page.sessions;
  } finally {
    if (number === searchNumber) searching.value = false;
  }
}

export async function refresh(id: string): Promise<void> {
  try {
    put([await api.get<Session>(`/api/v1/sessions/${id}`)]);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) drop(id);
  }
}

export async function rename(id: string, title: string): Promise<void> {
  put([await api.patch<Session>(`/api/v1/sessions/${id}`, { title })]);
}

export async function setTags(id: string, tags: string[]): Promise<void> {
  put([await api.patch<Session>(`/api/v1/sessions/${id}`, { tags })]);
}

export async function remove(id: string): Promise<void> {
  await api.delete(`/api/v1/sessions/${id}`);
  drop(id);
}

export async function fork(id: string, at?: number): Promise<Session> {
  const made = await api.post<Session>(`/api/v1/sessions/${id}/fork`, at ? { at } : {});
  put([made]);
  return made;
}

// Sessions of which something changed are asked for once in a while, however fast events come.
const kRefreshAfterMs = 150;
const stale = new Set<string>();
const kTelling = new Set([
  'run_started', 'run_ended', 'approval_asked', 'approval_answered', 'session_forked', 'user_message',
]);

export function followSessions(): void {
  on('attached', () => void loadFirst().catch(() => {}));
  on('event', event => {
    if (!kTelling.has(event.kind) && byId.value.has(event.session)) return;
    if (stale.size === 0)
      setTimeout(() => {
        const ids = [...stale];
        stale.clear();
        for (const id of ids) void refresh(id);
      }, kRefreshAfterMs);
    stale.add(event.session);
  });
  on('session', session => ('deleted' in session ? drop(session.id) : put([session])));
}
