// One session as a page shows it: a pure projection of its events, with what is being made at its
// end. No browser, no network.
//
// apply() takes events in order, each once: an event whose number is not the next is refused, and
// the caller fetches what is missing. Items that change are replaced, never changed in place, so
// that who draws them sees by identity what is new.

import type {
  Approval,
  Attachment,
  Decision,
  FileChange,
  Frame,
  ImageRef,
  LogEvent,
  Mode,
  Reply,
  SettledFile,
  Snapshot,
  Todo,
  ToolResult,
  Usage,
} from '../api/types';

export type CallState = 'writing' | 'waiting' | 'running' | 'asked' | 'done';

export interface CallChanges {
  id: string;
  root: string;
  files: FileChange[];
  blob: string;
  state: 'proposed' | 'applied' | 'dropped' | 'undone';
  settled: SettledFile[];
}

export interface Question {
  approval: Approval;
  number: number;
  reply?: Reply;
  by?: string;
}

interface ItemHead {
  key: string;     // stable while the item lives
  number: number;  // of the event it began with; 0: it is being made
  run: string;
  time: string;
}

export interface UserItem extends ItemHead {
  kind: 'user';
  text: string;
  attachments: Attachment[];
  skill: string;    // that the message is of
  before: number;   // the last event before its run; 0: none
}
export interface TextItem extends ItemHead {
  kind: 'text' | 'thinking';
  text: string;
  making: boolean;
}
export interface CallItem extends ItemHead {
  kind: 'call';
  id: string;
  tool: string;
  arguments: string;
  state: CallState;
  startedAt: string;  // when it was let run
  decision?: Decision;
  output: string;     // what it wrote so far, while it runs
  result?: ToolResult;
  images: ImageRef[];
  changes: CallChanges[];
  questions: Question[];
}
export interface NoticeItem extends ItemHead {
  kind: 'notice';
  tone: 'info' | 'warning' | 'error';
  text: string;
  detail: string;
}
export interface BriefItem extends ItemHead {
  kind: 'brief';
  text: string;
  attachments: { path: string; bytes: number; blob: string }[];
}
export interface EndItem extends ItemHead {
  kind: 'end';
  outcome: string;
  message: string;
  code: string;
  turns: number;
  usage: Usage;
  durationMs: number;
}
export type Item = UserItem | TextItem | CallItem | NoticeItem | BriefItem | EndItem;

export interface SessionView {
  session: string;
  last: number;              // number of the last event that was taken
  items: Item[];
  run: string;               // the live one; "" when none is
  runStartedAt: string;
  beforeRun: number;         // number of the last event before the last run
  skill: string;             // that the last run was begun with, or has used since
  model: string;             // of the last run
  mode: Mode;
  todos: Todo[];
  usage: Usage;              // of all turns
  contextTokens: number;     // what the last turn read
  turns: number;             // of the live or last run
  forkedFrom?: { session: string; last: number };
}

const kNoUsage: Usage = { input_tokens: 0, output_tokens: 0, cached_input_tokens: 0, reasoning_tokens: 0 };
const kOutputMax = 64 * 1024;  // characters of a running tool's output that are kept

export function emptyView(session: string): SessionView {
  return {
    session,
    last: 0,
    items: [],
    run: '',
    runStartedAt: '',
    beforeRun: 0,
    skill: '',
    model: '',
    mode: 'ask',
    todos: [],
    usage: kNoUsage,
    contextTokens: 0,
    turns: 0,
  };
}

function sum(a: Usage, b: Usage): Usage {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cached_input_tokens: a.cached_input_tokens + b.cached_input_tokens,
    reasoning_tokens: a.reasoning_tokens + b.reasoning_tokens,
  };
}

// The call of that id. Ids are a model's and may come again in a later turn: the newest is meant.
function indexOfCall(view: SessionView, id: string): number {
  return view.items.findLastIndex(item => item.kind === 'call' && item.id === id && item.number > 0);
}

function changeCall(view: SessionView, id: string, change: (call: CallItem) => Partial<CallItem>): void {
  const at = indexOfCall(view, id);
  const call = view.items[at];
  if (call?.kind === 'call') view.items[at] = { ...call, ...change(call) };
}

function changeItems<K extends Item['kind']>(
  view: SessionView,
  kind: K,
  change: (item: Extract<Item, { kind: K }>) => Item | undefined,
): void {
  for (let at = view.items.length - 1; at >= 0; --at) {
    const item = view.items[at]!;
    if (item.kind !== kind) continue;
    const changed = change(item as Extract<Item, { kind: K }>);
    if (!changed) continue;
    view.items[at] = changed;
    return;
  }
}

// What was being made is void as soon as an event comes: the event tells it whole.
function dropMaking(view: SessionView): void {
  while (view.items.at(-1)?.number === 0) view.items.pop();
}

// Blocks of an answer that was lost are told again.
function dropUnfinishedTurn(view: SessionView): void {
  const from = view.items.findLastIndex(
    item => item.kind === 'user' || item.kind === 'end' || (item.kind === 'call' && item.result));
  const kept = view.items.slice(from + 1).filter(item => item.kind === 'notice' || item.kind === 'brief');
  view.items.splice(from + 1, view.items.length, ...kept);
}

function stateOfChanges(act: 'applied' | 'dropped' | 'undone' | 'redone'): CallChanges['state'] {
  return act === 'redone' ? 'applied' : act;
}

const kOutcomes: Record<string, string> = {
  finished: '',
  turn_limit: 'The limit of turns was reached.',
  cancelled: 'Stopped.',
  failed: 'The run failed.',
  interrupted: 'The run was interrupted: its process ended before it did.',
};

// False: the event is not the next one, and the view is as it was.
export function apply(view: SessionView, event: LogEvent): boolean {
  if (event.number !== view.last + 1) return false;
  view.last = event.number;
  dropMaking(view);
  const head = { key: `e${event.number}`, number: event.number, run: event.run, time: event.time };
  const notice = (tone: NoticeItem['tone'], text: string, detail = '') =>
    view.items.push({ ...head, kind: 'notice', tone, text, detail });

  switch (event.kind) {
    case 'run_started':
      view.run = event.run;
      view.runStartedAt = event.time;
      view.beforeRun = event.number - 1;
      view.skill = '';
      view.model = event.model;
      view.mode = event.mode;
      view.turns = 0;
      break;
    case 'user_message':
      view.items.push({
        ...head,
        kind: 'user',
        text: event.text,
        attachments: event.attachments ?? [],
        skill: view.skill,
        before: view.beforeRun,
      });
      break;
    case 'assistant_block': {
      const block = event.block;
      if (block.type === 'tool_call')
        view.items.push({
          ...head,
          kind: 'call',
          id: block.id,
          tool: block.tool,
          arguments: block.arguments,
          state: 'waiting',
          startedAt: '',
          output: '',
          images: [],
          changes: [],
          questions: [],
        });
      else if (block.text) view.items.push({ ...head, kind: block.type, text: block.text, making: false });
      break;
    }
    case 'turn_ended':
      view.usage = sum(view.usage, event.usage);
      view.contextTokens = event.usage.input_tokens + event.usage.output_tokens;
      view.turns += 1;
      break;
    case 'call_decided':
      changeCall(view, event.call_id, () => ({
        decision: event.decision,
        state: event.decision.verdict === 'allow' ? 'running' : 'waiting',
        startedAt: event.time,
      }));
      break;
    case 'approval_asked':
      changeCall(view, event.call_id, call => ({
        state: event.waits ? 'asked' : call.state,
        questions: [...call.questions, { approval: event, number: event.number }],
      }));
      break;
    case 'approval_answered':
      changeItems(view, 'call', call => {
        const at = call.questions.findIndex(question => question.approval.approval === event.approval);
        if (at < 0) return undefined;
        const questions = [...call.questions];
        questions[at] = {
          ...questions[at]!,
          reply: { answer: event.answer, text: event.text, chosen: event.chosen },
          by: event.by,
        };
        return { ...call, questions, state: call.result ? 'done' : 'running' };
      });
      break;
    case 'tool_finished':
      changeCall(view, event.result.call_id, () => ({
        state: 'done',
        result: event.result,
        images: event.images ?? [],
        output: '',
      }));
      break;
    case 'turn_retried':
      dropUnfinishedTurn(view);
      notice(
        'warning',
        `Asking the model again (try ${event.attempt + 1}, in ${Math.round(event.delay_ms / 100) / 10} s)`,
        event.error.message,
      );
      break;
    case 'run_ended': {
      const of = event.of || event.run;
      if (view.run === of) view.run = '';
      view.items.push({
        ...head,
        kind: 'end',
        outcome: event.outcome,
        message: (event.outcome === 'failed' && event.error?.message) || (kOutcomes[event.outcome] ?? event.outcome),
        code: event.error?.code ?? '',
        turns: event.turns,
        usage: event.usage,
        durationMs: event.of ? 0 : Date.parse(event.time) - Date.parse(view.runStartedAt || event.time),
      });
      break;
    }
    case 'changes_kept':
      changeCall(view, event.call_id, call => ({
        changes: [
          ...call.changes,
          { id: event.changes, root: event.root, files: event.files, blob: event.blob, state: 'proposed', settled: [] },
        ],
      }));
      break;
    case 'changes_settled':
      changeItems(view, 'call', call => {
        const at = call.changes.findIndex(set => set.id === event.changes);
        if (at < 0) return undefined;
        const changes = [...call.changes];
        changes[at] = { ...changes[at]!, state: stateOfChanges(event.act), settled: event.files };
        return { ...call, changes };
      });
      if (event.files.some(file => file.outcome === 'conflict'))
        notice(
          'warning',
          'Some files were left as they are',
          event.files.filter(file => file.outcome === 'conflict').map(file => `${file.path}: ${file.reason}`).join('\n'),
        );
      break;
    case 'rule_added':
      notice('info', `From now on: ${event.rule}`, event.where);
      break;
    case 'mode_changed':
      view.mode = event.mode;
      notice('info', `Mode is now ${event.mode}`, event.reason);
      break;
    case 'instructions_loaded':
      notice('info', `Read ${event.path}`, event.text);
      break;
    case 'skill_used':
      view.skill = event.name;
      notice('info', `Uses the skill ${event.name}`, event.allowed_tools.length ? `Its tools: ${event.allowed_tools.join(', ')}` : '');
      break;
    case 'todos_set':
      view.todos = event.items;
      break;
    case 'brief_sent':
      view.items.push({ ...head, kind: 'brief', text: event.text, attachments: event.attachments });
      break;
    case 'session_forked':
      view.forkedFrom = { session: event.from, last: event.last };
      notice('info', 'Forked from another session', event.from);
      break;
  }
  return true;
}

// A page of the log. False: it does not begin behind what the view has.
export function applyAll(view: SessionView, events: readonly LogEvent[]): boolean {
  for (const event of events) {
    if (event.number <= view.last) continue;
    if (!apply(view, event)) return false;
  }
  return true;
}

function addOutput(call: CallItem, text: string): CallItem {
  const output = call.output + text;
  return { ...call, output: output.length > kOutputMax ? output.slice(-kOutputMax) : output };
}

// A piece of what is being made. One that a later event has overtaken is dropped.
export function applyFrame(view: SessionView, frame: Frame | Snapshot): void {
  // What a running tool writes counts until its result, whatever else was told meanwhile.
  if (frame.after < view.last && frame.kind !== 'tool_output') return;
  if (frame.kind === 'snapshot') {
    dropMaking(view);
    for (let at = view.items.length - 1; at >= 0 && view.items[at]!.kind !== 'end'; --at) {
      const item = view.items[at]!;
      if (item.kind === 'call' && item.output) view.items[at] = { ...item, output: '' };
    }
    for (const one of frame.frames) applyFrame(view, one);
    return;
  }
  const last = view.items.at(-1);
  const head = { key: `m${view.last}.${view.items.length}`, number: 0, run: frame.run, time: '' };
  switch (frame.kind) {
    case 'text_delta':
    case 'thinking_delta': {
      const kind = frame.kind === 'text_delta' ? 'text' : 'thinking';
      if (last?.number === 0 && last.kind === kind)
        view.items[view.items.length - 1] = { ...last, text: last.text + frame.text };
      else view.items.push({ ...head, kind, text: frame.text, making: true });
      break;
    }
    case 'call_begun':
      view.items.push({
        ...head,
        kind: 'call',
        id: '',
        tool: frame.tool,
        arguments: '',
        state: 'writing',
        startedAt: '',
        output: '',
        images: [],
        changes: [],
        questions: [],
      });
      break;
    case 'tool_begun':
      changeCall(view, frame.call.id, call => (call.result || call.state === 'asked' ? {} : { state: 'running' }));
      break;
    case 'tool_output':
      changeCall(view, frame.call_id, call => (call.result ? {} : addOutput(call, frame.text)));
      break;
  }
}

// Questions of the session that a run waits at, oldest first.
export function openQuestions(view: SessionView): Question[] {
  return view.items.flatMap(item =>
    item.kind === 'call' ? item.questions.filter(question => !question.reply && question.approval.waits) : []);
}
