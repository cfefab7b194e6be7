// The values of the HTTP API, as /api/v1/openapi.json describes them.

export type Mode = 'plan' | 'ask' | 'edits' | 'autonomous' | 'unattended';
export type Level = 'none' | 'read-only' | 'write' | 'execute' | 'dangerous' | 'forbidden';
export type AnswerWord = 'yes' | 'no' | 'for-this-run' | 'always';

export interface Session {
  id: string;
  title: string;
  created: string;
  updated: string;
  events: number;
  model: string;
  running: boolean;
  run?: string;
  tags?: string[];
  waiting?: number;
  found?: { number: number; text: string };
}

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cached_input_tokens: number;
  reasoning_tokens: number;
}

export interface ApiErrorBody {
  code: string;
  message: string;
  retry_after_ms?: number;
}

export type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string; signature: string }
  | { type: 'tool_call'; id: string; tool: string; arguments: string };

export interface ImageRef {
  media_type: string;
  blob: string;
  width: number;
  height: number;
  bytes: number;
}

export interface ToolResult {
  call_id: string;
  status: 'ok' | 'failed' | 'denied' | 'cancelled' | 'invalid';
  text: string;
  blob: string;
  total_bytes: number;
  duration_us: number;
}

export interface Decision {
  verdict: 'allow' | 'ask' | 'deny';
  level: Level;
  rule: string;
  reason: string;
}

export interface FileChange {
  path: string;
  kind: 'added' | 'changed' | 'removed';
  lines_added: number;
  lines_removed: number;
  opaque?: boolean;
}

export interface SettledFile {
  path: string;
  outcome: 'applied' | 'merged' | 'already' | 'conflict';
  reason?: string;
}

export interface Approval {
  approval: string;
  call_id: string;
  tool: string;
  level: Level;
  question_kind: 'changes' | 'connection' | 'call' | 'plan' | 'question';
  question: string;
  text: string;
  files: string[];
  blob: string;
  changes: string;
  connection: string;
  connected: string[];
  choices: { label: string; description: string }[];
  several: boolean;
  for_this_run: string;
  always: string;
  expires_us: number;
  waits: boolean;
}

export interface Reply {
  answer: AnswerWord;
  text?: string;
  chosen?: string[];
}

export interface Attachment {
  name: string;
  path?: string;
  media_type: string;
  bytes: number;
  blob: string;
}

export interface Todo {
  text: string;
  status: 'pending' | 'in_progress' | 'completed';
}

interface EventHead {
  position: number;
  session: string;
  number: number;
  run: string;
  time: string;
}

export type EventBody =
  | { kind: 'run_started'; model: string; mode: Mode; turns_max: number }
  | { kind: 'user_message'; text: string; attachments?: Attachment[] }
  | { kind: 'assistant_block'; block: Block }
  | { kind: 'turn_ended'; reason: string; usage: Usage; duration_us: number }
  | { kind: 'call_decided'; call_id: string; decision: Decision }
  | ({ kind: 'approval_asked' } & Approval)
  | ({ kind: 'approval_answered'; approval: string; by: string } & Reply)
  | { kind: 'tool_finished'; result: ToolResult; images?: ImageRef[] }
  | { kind: 'turn_retried'; attempt: number; delay_ms: number; error: ApiErrorBody }
  | {
      kind: 'run_ended';
      outcome: 'finished' | 'turn_limit' | 'cancelled' | 'failed' | 'interrupted';
      turns: number;
      usage: Usage;
      error?: ApiErrorBody;
      of?: string;
    }
  | { kind: 'changes_kept'; changes: string; call_id: string; root: string; files: FileChange[]; blob: string }
  | {
      kind: 'changes_settled';
      changes: string;
      act: 'applied' | 'dropped' | 'undone' | 'redone';
      files: SettledFile[];
      by: string;
    }
  | { kind: 'rule_added'; rule: string; where: string }
  | { kind: 'mode_changed'; mode: Mode; by: string; reason: string }
  | { kind: 'instructions_loaded'; path: string; origin: string; text: string }
  | { kind: 'skill_used'; name: string; origin: string; allowed_tools: string[] }
  | { kind: 'todos_set'; items: Todo[] }
  | {
      kind: 'brief_sent';
      text: string;
      status: string;
      attachments: { path: string; bytes: number; blob: string }[];
    }
  | { kind: 'session_forked'; from: string; last: number };

// One finished fact of a session.
export type LogEvent = EventHead & EventBody;

interface FrameHead {
  frame: true;
  session: string;
  run: string;
  after: number;
}

export type FramePiece =
  | { kind: 'text_delta'; text: string }
  | { kind: 'thinking_delta'; text: string }
  | { kind: 'call_begun'; tool: string }
  | { kind: 'tool_begun'; call: { id: string; tool: string; arguments: string } }
  | { kind: 'tool_output'; call_id: string; text: string };

// A piece of what is being made; it counts until an event of its session with a higher number.
export type Frame = FrameHead & FramePiece;
export type Snapshot = FrameHead & { kind: 'snapshot'; frames: Frame[] };

export interface FileEntry {
  name: string;
  kind: 'file' | 'folder' | 'link' | 'other';
  size: number;
  modified: string;
  version?: string;
  link?: boolean;
  usable?: boolean;
}

export interface BinEntry {
  id: string;
  path: string;
  kind: FileEntry['kind'];
  deleted: string;
}

export interface ChangeSet {
  changes: string;
  call_id: string;
  root: string;
  state: 'proposed' | 'applied' | 'partly' | 'undone' | 'dropped';
  files: (FileChange & { applied: boolean })[];
}

export interface ChangeSets {
  changes: ChangeSet[];
  can_undo: number;
  can_redo: number;
}

export interface Settled {
  settled: { changes: string; act: 'undone' | 'redone' | 'dropped'; files: SettledFile[] }[];
  conflicts: boolean;
}

// JSON Schema, as far as the page makes forms of it.
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
  additionalProperties?: boolean | Schema;
}

export interface Tool {
  name: string;
  description: string;
  input_schema: Schema;
  level: Level;
  origin?: 'builtin' | 'user' | 'workspace';
  kind?: 'guest' | 'native';
  version?: string;
  path?: string;
  keywords?: string[];
  state?: 'ready' | 'checking' | 'broken';  // checking: it is compiled for the first time
  reason?: string;
  grant?: string[];
  limits?: { name: string; value: string }[];
}

export interface ToolRun {
  status: ToolResult['status'];
  text: string;
  duration_us: number;
  images?: { media_type: string; data: string }[];
  changes?: { files: FileChange[]; diff: string };
}

export interface Provider {
  id: string;
  title: string;
  local: boolean;
  base_url: string;
  base_url_from: string;
  key: 'none' | 'environment' | 'stored' | 'not needed';
  state: 'unknown' | 'reachable' | 'unreachable' | 'refused';
  error?: string;
  models: { id: string; sees: boolean }[];
}

export interface Models {
  default: string;
  default_from?: string;
  demo?: string;
  providers: Provider[];
}

export interface Setting {
  key: string;
  title: string;
  help: string;
  schema: Schema;
  value: unknown;
  default: unknown;
  from: string;
  shadowed?: { value: unknown; from: string }[];
  added?: { value: unknown; from: string }[];  // of a list: what the workspace's own file adds
  writable: boolean;
  applies: 'next run' | 'next start';
}

export interface Settings {
  settings: Setting[];
  files: { own: string; config: string; workspace: string };
  workspace: string;
  version: string;
}

export interface Rule {
  effect: 'allow' | 'ask' | 'deny';
  rule: string;
  where: string;
  own?: boolean;  // it may be deleted here
  why?: string;   // it does not count
}

export interface RuleLayer {
  layer: 'builtin' | 'user' | 'workspace' | 'flags';
  counts: boolean;  // all of its rules do
  why?: string;
  rules: Rule[];
}

export interface Explanation {
  decision: 'allow' | 'ask' | 'deny';
  why: string;
  rule?: { effect: string; rule: string; where: string };
  grant: string[];
  text: string;
}

export interface InstructionsFile {
  origin: 'user' | 'workspace';
  path: string;
  exists: boolean;
  text: string;
  version?: string;  // absent: it is not there
}

export interface Problem {
  where: string;
  message: string;
  severity: 'error' | 'warning';
}

export interface Skill {
  name: string;
  description: string;
  origin: 'workspace' | 'user' | 'builtin';
  path?: string;
  state: 'ready' | 'broken' | 'hidden';
  reason?: string;
  when_to_use?: string;
  arguments?: { name: string; description: string; required: boolean; default?: string }[];
  allowed_tools?: string[];  // empty: all
}

export interface SkillText extends Skill {
  text: string;
  version: string;
  files: { path: string; bytes: number }[];
  problems: Problem[];
}
