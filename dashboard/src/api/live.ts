// The one event stream of the page: every session's events and frames, and word of what else
// changed. It begins now; after a break it goes on behind the last event that came, so that nothing
// is missed or comes twice. What the frames of a session say so far is kept until an event ends
// them, for a session that is opened in the middle of an answer.

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ref } from 'vue';

import { ApiError, query, request } from './http';
import type { Frame, LogEvent, Session, Snapshot } from './types';

export type Connection = 'connecting' | 'live' | 'lost';
export const connection = ref<Connection>('connecting');

interface Listeners {
  event: (event: LogEvent) => void;
  frame: (frame: Frame | Snapshot) => void;
  attached: () => void;                              // from here on everything is told
  session: (session: Session | { id: string; deleted: true }) => void;
  files: (folder: string) => void;
  tools: () => void;
  skills: () => void;
  settings: () => void;
}

const listeners: { [K in keyof Listeners]: Set<Listeners[K]> } = {
  event: new Set(),
  frame: new Set(),
  attached: new Set(),
  session: new Set(),
  files: new Set(),
  tools: new Set(),
  skills: new Set(),
  settings: new Set(),
};

// Gives the function that ends it.
export function on<K extends keyof Listeners>(kind: K, listener: Listeners[K]): () => void {
  const set = listeners[kind] as Set<Listeners[K]>;
  set.add(listener);
  return () => set.delete(listener);
}

function tell<K extends keyof Listeners>(kind: K, ...values: Parameters<Listeners[K]>): void {
  for (const listener of [...listeners[kind]])
    (listener as (...all: Parameters<Listeners[K]>) => void)(...values);
}

// --- what is being made

type Output = Frame & { kind: 'tool_output' };
const kOutputMax = 64 * 1024;  // characters of a call that are kept

const making = new Map<string, Frame[]>();
// What running tools wrote, by session and call: it counts until the call's result.
const outputs = new Map<string, Map<string, Output>>();

// Frames of an answer that is under way, joined where they go on with each other.
export function framesOf(session: string): readonly Frame[] {
  return [...(making.get(session) ?? []), ...(outputs.get(session)?.values() ?? [])];
}

function keepOutput(frame: Output): void {
  const calls = outputs.get(frame.session) ?? new Map<string, Output>();
  const text = (calls.get(frame.call_id)?.text ?? '') + frame.text;
  calls.set(frame.call_id, { ...frame, text: text.slice(-kOutputMax) });
  outputs.set(frame.session, calls);
}

function endOutput(event: LogEvent): void {
  if (event.kind === 'run_ended') outputs.delete(event.session);
  else if (event.kind === 'tool_finished') outputs.get(event.session)?.delete(event.result.call_id);
}

function keepFrame(frame: Frame): void {
  if (frame.kind === 'tool_output') return keepOutput(frame);
  const frames = making.get(frame.session) ?? [];
  const last = frames.at(-1);
  if (last && (frame.kind === 'text_delta' || frame.kind === 'thinking_delta') && last.kind === frame.kind)
    frames[frames.length - 1] = { ...last, text: last.text + frame.text } as Frame;
  else frames.push(frame);
  making.set(frame.session, frames);
}

// --- the stream

const kDelayFirstMs = 250;
const kDelayMaxMs = 5_000;
// The server sends a comment at least every 15 s; a stream that is silent for longer is dead.
const kSilenceMaxMs = 45_000;

let lastPosition: number | undefined;
let watched: string[] = [];
let refused = '';  // folders that the server had no room to watch
let isAttached = false;
let abort = new AbortController();

function take(message: EventSourceMessage): void {
  if (message.id) lastPosition = Number(message.id);
  const kind = message.event ?? 'message';
  if (kind === 'attached') {
    isAttached = true;
    connection.value = 'live';
    making.clear();
    outputs.clear();
    tell('attached');
  } else if (kind === 'message') {
    const event: LogEvent = JSON.parse(message.data);
    making.delete(event.session);
    endOutput(event);
    tell('event', event);
  } else if (kind === 'frame') {
    const frame: Frame | Snapshot = JSON.parse(message.data);
    if (frame.kind === 'snapshot') {
      making.delete(frame.session);
      outputs.delete(frame.session);
      frame.frames.forEach(keepFrame);
    } else keepFrame(frame);
    tell('frame', frame);
  } else if (kind === 'files') {
    tell('files', JSON.parse(message.data).folder ?? '');
  } else if (kind === 'session') {
    tell('session', JSON.parse(message.data));
  } else if (kind === 'tools' || kind === 'skills' || kind === 'settings') {
    tell(kind);
  }
}

async function readOnce(signal: AbortSignal): Promise<void> {
  const path = '/api/v1/events' + query({
    after: lastPosition,
    watch: watched.length ? JSON.stringify(watched) : undefined,
  });
  isAttached = false;
  let response: Response;
  try {
    response = await request('GET', path, { signal });
  } catch (error) {
    // A folder that was to be watched is gone: the stream goes on without any, and who watches
    // looks again when it is attached.
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) watched = [];
    throw error;
  }
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const parser = createParser({ onEvent: take });
  let silence: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      clearTimeout(silence);
      silence = setTimeout(() => reader.cancel(), kSilenceMaxMs);
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(value);
    }
  } finally {
    // Closed before it began: the system has no watches left. Better a stream without them.
    if (!isAttached && watched.length && !signal.aborted) {
      refused = JSON.stringify(watched);
      watched = [];
    } else if (!signal.aborted) {
      refused = '';
    }
    clearTimeout(silence);
    reader.cancel().catch(() => {});
  }
}

// Follows until the page goes.
export async function follow(): Promise<never> {
  let delay = kDelayFirstMs;
  for (;;) {
    abort = new AbortController();
    const signal = abort.signal;
    try {
      await readOnce(signal);
      delay = kDelayFirstMs;
    } catch (error) {
      // A position that the log does not have: it is another log now. Begin anew.
      if (error instanceof ApiError && (error.status === 404 || error.status === 409 || error.status === 400))
        lastPosition = undefined;
    }
    if (!signal.aborted) {
      connection.value = 'lost';
      await new Promise<void>(done => {
        const timer = setTimeout(done, delay);
        wake = () => (clearTimeout(timer), done());
      });
      delay = Math.min(delay * 2, kDelayMaxMs);
    }
  }
}

let wake: () => void = () => {};

// Tries at once, for a person who does not want to wait.
export function reconnect(): void {
  wake();
}

// From now on `files` tells of these folders.
export function watchFolders(folders: string[]): void {
  const wanted = JSON.stringify(folders);
  if (wanted === JSON.stringify(watched) || wanted === refused) return;  // [""] is not []
  refused = '';
  watched = [...folders];
  abort.abort();
}
