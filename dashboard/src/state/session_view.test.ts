import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { Frame, LogEvent } from '../api/types';
import { apply, applyAll, applyFrame, emptyView, openQuestions, type CallItem, type SessionView } from './session_view';

// What a real session told, events and frames, in the order of their coming.
function recorded(name: string): (LogEvent | Frame)[] {
  return readFileSync(join(__dirname, 'recorded', name), 'utf8').trim().split('\n').map(line => JSON.parse(line));
}
const isFrame = (one: LogEvent | Frame): one is Frame => 'frame' in one;

const told = recorded('job.jsonl');
const events = told.filter((one): one is LogEvent => !isFrame(one)).filter(
  (one, at, all) => all.findIndex(other => other.number === one.number) === at);

function viewOf(list: readonly LogEvent[]): SessionView {
  const view = emptyView('s');
  expect(applyAll(view, list)).toBe(true);
  return view;
}
const call = (view: SessionView, id: string) =>
  view.items.findLast((item): item is CallItem => item.kind === 'call' && item.id === id)!;

describe('a recorded session', () => {
  const whole = viewOf(events);

  it('becomes messages, calls with their results, and ends', () => {
    expect(whole.items.filter(item => item.kind === 'user').map(item => item.text)).toEqual([
      'Write a report', 'Once more', 'And again',
    ]);
    expect(whole.items.filter(item => item.kind === 'end').map(item => item.outcome)).toEqual([
      'finished', 'finished', 'finished',
    ]);
    for (const item of whole.items) if (item.kind === 'call') expect(item.result, item.id).toBeDefined();
    expect(call(whole, 'gone').result!.status).toBe('failed');
    expect(call(whole, 'bad').result!.status).not.toBe('ok');
    expect(call(whole, 'more').arguments).toBe('{broken');
    expect(whole.run).toBe('');
    expect(whole.todos.map(todo => todo.status)).toEqual(['completed', 'completed']);
    expect(whole.usage.input_tokens).toBeGreaterThan(4000);
  });

  it('keeps calls of one name apart: the newest is meant', () => {
    const reports = whole.items.filter((item): item is CallItem => item.kind === 'call' && item.id === 'report');
    expect(reports.map(item => item.tool)).toEqual(['write', 'edit']);
    expect(reports.map(item => item.changes.length)).toEqual([1, 1]);
    // The person has undone the last one.
    expect(reports.map(item => item.changes[0]!.state)).toEqual(['applied', 'undone']);
  });

  it('is the same with frames between, from any point on, and after every reconnect', () => {
    const view = emptyView('s');
    for (const [at, one] of told.entries()) {
      if (isFrame(one)) applyFrame(view, one);
      else apply(view, one);
      if (at % 3 === 0) applyAll(view, events.slice(0, view.last));  // told again
      if (at % 5 === 0)
        applyFrame(view, { frame: true, kind: 'snapshot', session: 's', run: 'r', after: view.last, frames: [] });
    }
    expect(view).toEqual(whole);
  });

  it('shows what is being made, and nothing of it twice', () => {
    const view = emptyView('s');
    let seen = 0;
    for (const one of told) {
      if (!isFrame(one)) {
        apply(view, one);
        expect(view.items.some(item => item.number === 0)).toBe(false);
        continue;
      }
      applyFrame(view, one);
      if (one.kind === 'text_delta' && one.after === view.last) {
        const last = view.items.at(-1)!;
        expect(last.kind === 'text' && last.making && last.text.endsWith(one.text)).toBe(true);
        ++seen;
      }
    }
    expect(seen).toBeGreaterThan(3);
  });

  it('refuses an event that is not the next one, and stays as it is', () => {
    const view = viewOf(events.slice(0, 5));
    const before = structuredClone(view);
    expect(apply(view, events[6]!)).toBe(false);
    expect(apply(view, events[4]!)).toBe(false);
    expect(view).toEqual(before);
  });

  it('drops frames that an event has overtaken', () => {
    const view = viewOf(events);
    const before = structuredClone(view);
    for (const one of told) if (isFrame(one)) applyFrame(view, one);
    expect(view).toEqual(before);
  });

  it('replaces items that change and leaves the others as they are', () => {
    const view = emptyView('s');
    for (const event of events) {
      const before = [...view.items];
      const copies = structuredClone(before);
      apply(view, event);
      expect(before).toEqual(copies);
    }
  });
});

describe('events that a recording seldom holds', () => {
  const head = (number: number) => ({ position: number, session: 's', number, run: 'r', time: '2026-01-01T00:00:00.000Z' });
  const usage = { input_tokens: 1, output_tokens: 1, cached_input_tokens: 0, reasoning_tokens: 0 };
  const asked = (number: number, approval: string, waits = true): LogEvent => ({
    ...head(number), kind: 'approval_asked', approval, call_id: 'c', tool: 'write', level: 'write', question_kind: 'changes',
    question: 'Apply?', text: '', files: [], blob: '', changes: 'x', connection: '', connected: [], choices: [], several: false,
    for_this_run: '', always: '', expires_us: 0, waits,
  });
  const begin: LogEvent[] = [
    { ...head(1), kind: 'run_started', model: 'm', mode: 'ask', turns_max: 5 },
    { ...head(2), kind: 'user_message', text: 'hi' },
    { ...head(3), kind: 'assistant_block', block: { type: 'tool_call', id: 'c', tool: 'write', arguments: '{}' } },
    { ...head(4), kind: 'turn_ended', reason: 'tool_use', usage, duration_us: 1 },
    { ...head(5), kind: 'call_decided', call_id: 'c', decision: { verdict: 'allow', level: 'write', rule: 'r', reason: '' } },
  ];

  it('a question waits until it is answered', () => {
    const view = viewOf([...begin, asked(6, 'q')]);
    expect(openQuestions(view).map(one => one.approval.approval)).toEqual(['q']);
    expect(call(view, 'c').state).toBe('asked');
    apply(view, { ...head(7), kind: 'approval_answered', approval: 'q', answer: 'no', text: 'not so', by: 'http' });
    expect(openQuestions(view)).toEqual([]);
    expect(call(view, 'c').questions[0]!.reply).toMatchObject({ answer: 'no', text: 'not so' });
  });

  it('a question that no run waits at is none of the open ones', () => {
    expect(openQuestions(viewOf([...begin, asked(6, 'q', false)]))).toEqual([]);
  });

  it('a lost answer is told again, and what came of it is void', () => {
    const view = viewOf([
      ...begin.slice(0, 2),
      { ...head(3), kind: 'assistant_block', block: { type: 'text', text: 'half' } },
      { ...head(4), kind: 'turn_retried', attempt: 1, delay_ms: 500, error: { code: 'unavailable', message: 'cut' } },
    ]);
    expect(view.items.map(item => item.kind)).toEqual(['user', 'notice']);
  });

  it('a killed run is closed by the next one', () => {
    const view = viewOf([
      ...begin.slice(0, 2),
      { ...head(3), kind: 'run_ended', outcome: 'interrupted', turns: 0, usage, of: 'r', error: { code: 'internal', message: '' } },
    ]);
    expect(view.run).toBe('');
    expect(view.items.at(-1)).toMatchObject({ kind: 'end', outcome: 'interrupted' });
  });

  it('a running tool tells what it writes, the newest of it, until its result', () => {
    const view = viewOf(begin);
    const frame = (text: string): Frame => ({ frame: true, session: 's', run: 'r', after: 5, kind: 'tool_output', call_id: 'c', text });
    applyFrame(view, frame('a\n'));
    applyFrame(view, frame('b'.repeat(100_000)));
    expect(call(view, 'c').output.length).toBe(64 * 1024);
    applyFrame(view, { frame: true, kind: 'snapshot', session: 's', run: 'r', after: 5, frames: [frame('again')] });
    expect(call(view, 'c').output).toBe('again');
    // Another call's event came in between: the piece still counts.
    apply(view, { ...head(6), kind: 'brief_sent', text: 'x', status: 'normal', attachments: [] });
    applyFrame(view, frame(', and more'));
    expect(call(view, 'c').output).toBe('again, and more');
    apply(view, {
      ...head(7), kind: 'tool_finished',
      result: { call_id: 'c', status: 'ok', text: 'done', blob: '', total_bytes: 4, duration_us: 1 },
    });
    expect(call(view, 'c').output).toBe('');
    applyFrame(view, frame('too late'));
    expect(call(view, 'c').output).toBe('');
  });

  it('a message knows where its run began, and the skill it is of', () => {
    const view = viewOf([
      begin[0]!,
      { ...head(2), kind: 'instructions_loaded', path: '/p/AGENTS.md', origin: 'workspace', text: 'x' },
      { ...head(3), kind: 'skill_used', name: 'review', origin: 'builtin', allowed_tools: [] },
      { ...head(4), kind: 'user_message', text: 'expanded' },
      { ...head(5), kind: 'run_ended', outcome: 'finished', turns: 1, usage },
      { ...begin[0]!, ...head(6) } as LogEvent,
      { ...head(7), kind: 'user_message', text: 'plain' },
    ]);
    expect(view.items.filter(item => item.kind === 'user').map(item => [item.before, item.skill])).toEqual([[0, 'review'], [5, '']]);
  });
});
