// Words for tools and skills, and how their list is grouped and searched. Pure.

import type { Level, Skill, Tool } from '../../api/types';

export type Origin = 'workspace' | 'user' | 'builtin';

export const kOriginTitles: Record<Origin, string> = {
  workspace: "This workspace's",
  user: 'Yours',
  builtin: 'Built in',
};
const kOrigins: Origin[] = ['workspace', 'user', 'builtin'];

export const kLevelWords: Record<Level, string> = {
  none: 'Touches nothing of yours: it only talks with the run or with you. It runs in every mode.',
  'read-only': 'Reads, and changes nothing. It runs in every mode.',
  write: 'Changes files of the workspace. A model is refused it in mode plan; its changes are asked about in mode ask, with the diff, and applied in edits and autonomous.',
  execute: 'Runs programs inside the sandbox. In mode plan they may only read; what they change is asked about in ask and edits, with the diff, and applied in autonomous.',
  dangerous: 'Works outside of the sandbox. It is asked about before it runs in every mode but plan, which refuses it.',
  forbidden: 'Refused to models in every mode.',
};

export const kLevelTone: Record<Level, '' | 'good' | 'warn' | 'bad'> = {
  none: 'good', 'read-only': 'good', write: 'warn', execute: 'warn', dangerous: 'bad', forbidden: 'bad',
};

export interface Group<T> {
  origin: Origin;
  title: string;
  items: T[];
}

interface Listed {
  name: string;
  description: string;
  origin?: Origin;
  keywords?: string[];
}

function matches(one: Listed, words: string): boolean {
  const text = `${one.name} ${one.name.replaceAll(/[_-]/g, ' ')} ${one.description} ${(one.keywords ?? []).join(' ')}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every(word => text.includes(word));
}

// By origin, the person's nearest first; those that hold all words. A name before a mere mention.
export function groupsOf<T extends Listed>(list: readonly T[], words: string): Group<T>[] {
  const wanted = words.trim();
  const found = list.filter(one => matches(one, wanted));
  if (wanted) {
    const named = (one: T): number => (one.name.toLowerCase().includes(wanted.toLowerCase()) ? 0 : 1);
    found.sort((a, b) => named(a) - named(b));
  }
  return kOrigins
    .map(origin => ({ origin, title: kOriginTitles[origin], items: found.filter(one => (one.origin ?? 'builtin') === origin) }))
    .filter(group => group.items.length > 0);
}

// --- where the page is: "NAME", "file/ORIGIN/FILE" of a tool whose name is another's, "skill/NAME",
// "skill/NAME/ORIGIN", "new-skill"

export type Place =
  | { kind: 'none' | 'new-skill' }
  | { kind: 'tool'; name: string }
  | { kind: 'tool-file'; origin: Origin; name: string }
  | { kind: 'skill'; name: string; origin?: Origin };
export const kNewSkill = 'new-skill';  // no tool's name: those have no hyphens

export function placeOf(rest: string): Place {
  const [first = '', second = '', third = ''] = rest.split('/');
  if (!first) return { kind: 'none' };
  if (first === kNewSkill) return { kind: 'new-skill' };
  const origin = kOrigins.find(one => one === second);
  if (first === 'file' && origin && third) return { kind: 'tool-file', origin, name: third };
  if (first !== 'skill' || !second) return { kind: 'tool', name: first };  // there is a tool "skill", too
  return { kind: 'skill', name: second, origin: kOrigins.find(one => one === third) };
}

function fileNameOf(tool: Tool): string {
  return tool.path?.split('/').at(-1) ?? '';
}

// A name is of one tool that works; files that are broken may claim it as well.
export function toolRest(tool: Tool, all: readonly Tool[]): string {
  return toolAt(all, { kind: 'tool', name: tool.name }) === tool ? tool.name : `file/${tool.origin}/${fileNameOf(tool)}`;
}

export function toolAt(all: readonly Tool[], place: Place): Tool | undefined {
  if (place.kind === 'tool-file') return all.find(one => one.origin === place.origin && fileNameOf(one) === place.name);
  if (place.kind !== 'tool') return undefined;
  const named = all.filter(one => one.name === place.name);
  return named.find(one => !isBroken(one)) ?? named[0];
}

// Of several skills of one name the one that is used needs no origin in its address.
export function skillRest(skill: Skill, all: readonly Skill[]): string {
  const first = all.find(one => one.name === skill.name && one.state !== 'hidden') ?? all.find(one => one.name === skill.name);
  return first === skill || !first ? `skill/${skill.name}` : `skill/${skill.name}/${skill.origin}`;
}

export function skillAt(all: readonly Skill[], name: string, origin?: Origin): Skill | undefined {
  const named = all.filter(one => one.name === name);
  if (origin) return named.find(one => one.origin === origin);
  return named.find(one => one.state !== 'hidden') ?? named[0];
}

export function isBroken(one: Tool | Skill): boolean {
  return one.state === 'broken';
}

// --- new skills

// What is wrong with a skill's name, or ''.
export function nameProblem(name: string): string {
  if (!name) return '';
  if (name.length > 64) return 'A name has at most 64 characters.';
  if (!/^[a-z0-9-]+$/.test(name)) return 'A name holds lower-case letters a to z, digits and hyphens.';
  if (/^-|-$/.test(name)) return 'A name has no hyphen at its begin or end.';
  if (name.includes('--')) return 'A name has no two hyphens in a row.';
  return '';
}

export function skillTemplate(name: string, description: string): string {
  // A text in double quotes is YAML as it is JSON.
  const told = description.trim() || 'What this skill does, and when to use it, with the words a person would use.';
  return `---
name: ${name}
description: ${JSON.stringify(told)}
# when_to_use: When the person asks for …
# allowed-tools: read glob grep
# args:
#   - name: target
#     description: The file or folder to work on
#     required: false
#     default: .
---

# What to do

1. Look first: what to read, and where it is.
2. Do the work, one step a line. Say what to do where a step fails.
3. Check the result: what must hold, and how to see that it does.

## Answer

What the person gets at the end, and in which form.
`;
}

// The body of a SKILL.md and the lines of its front matter, for showing.
export function splitSkill(text: string): { front: string; body: string } {
  const found = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)([\s\S]*)$/.exec(text);
  return found ? { front: found[1]!, body: found[2]! } : { front: '', body: text };
}

// "SKILL.md:3" or "line 3" -> 3
export function lineOf(where: string): number | undefined {
  const found = /(?:^|:|line )(\d+)(?::\d+)?$/.exec(where);
  return found ? Number(found[1]) : undefined;
}
