// The session that the chat shows: its view, kept true by pages of the log and the event stream.
// Many changes within one frame of the screen are shown as one.

import { shallowRef } from 'vue';

import { api, ApiError, query, sentenceOf } from '../api/http';
import { framesOf, on } from '../api/live';
import type { Frame, LogEvent, Snapshot } from '../api/types';
import { apply, applyAll, applyFrame, emptyView, type SessionView } from './session_view';

export type Loading = 'none' | 'loading' | 'ready' | 'gone' | 'failed';

const kPage = 1000;

// What is shown; another object after every change, with the items of `current`.
export const view = shallowRef<SessionView>(emptyView(''));
export const loading = shallowRef<Loading>('none');
export const loadError = shallowRef('');

let current = view.value;
let fetching = false;
let newest = 0;  // number of the newest event of the session that the stream told of
let redraw = 0;

function show(): void {
  if (redraw) return;
  // A page in the background draws nothing, and catches up when it is looked at.
  redraw = requestAnimationFrame(() => {
    redraw = 0;
    view.value = { ...current };
  });
}

// Brings the view up to the end of the log as it is now.
async function catchUp(): Promise<void> {
  if (fetching) return;
  fetching = true;
  const mine = current;
  try {
    for (;;) {
      const page = await api.get<{ events: LogEvent[]; last: number }>(
        `/api/v1/sessions/${mine.session}/events` + query({ after: mine.last, limit: kPage }));
      if (current !== mine) return;
      applyAll(mine, page.events);
      if (page.events.length === 0 || mine.last >= Math.max(page.last, newest)) break;
    }
    const frames = [...framesOf(mine.session)];
    applyFrame(mine, { frame: true, kind: 'snapshot', session: mine.session, run: mine.run, after: mine.last, frames });
    loading.value = 'ready';
  } catch (error) {
    if (current !== mine) return;
    const gone = error instanceof ApiError && error.status === 404;
    loading.value = gone ? 'gone' : mine.last > 0 ? 'ready' : 'failed';
    loadError.value = sentenceOf(error);
  } finally {
    fetching = false;
    show();
    if (current !== mine && current.session) void catchUp();
  }
}

export function open(session: string): void {
  if (current.session === session && loading.value !== 'failed') return;
  current = emptyView(session);
  view.value = { ...current };
  newest = 0;
  loadError.value = '';
  loading.value = session ? 'loading' : 'none';
  if (session) void catchUp();
}

export function retry(): void {
  loading.value = 'loading';
  void catchUp();
}

function takeEvent(event: LogEvent): void {
  if (event.session !== current.session) return;
  newest = Math.max(newest, event.number);
  if (fetching || event.number <= current.last) return;
  if (apply(current, event)) show();
  else void catchUp();
}

function takeFrame(frame: Frame | Snapshot): void {
  if (frame.session !== current.session || fetching || (frame.after > current.last && frame.kind !== 'tool_output')) return;
  applyFrame(current, frame);
  show();
}

export function followOpenSession(): void {
  on('event', takeEvent);
  on('frame', takeFrame);
  on('attached', () => {
    if (current.session && loading.value !== 'gone') void catchUp();
  });
  on('session', session => {
    if ('deleted' in session && session.id === current.session) loading.value = 'gone';
  });
}
