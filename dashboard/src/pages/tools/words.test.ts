import { describe, expect, test } from 'vitest';

import type { Skill, Tool } from '../../api/types';
import { groupsOf, lineOf, nameProblem, placeOf, skillAt, skillRest, skillTemplate, splitSkill, toolAt, toolRest } from './words';

const kSkills = [
  { name: 'review', description: 'Looks', origin: 'workspace', state: 'hidden' },
  { name: 'review', description: 'Looks', origin: 'user', state: 'ready' },
  { name: 'weather', description: 'Rain, review of it', origin: 'builtin', state: 'ready' },
] as Skill[];

test('lists are grouped by origin and searched by all words', () => {
  expect(groupsOf(kSkills, '').map(group => [group.title, group.items.length])).toEqual([
    ["This workspace's", 1], ['Yours', 1], ['Built in', 1],
  ]);
  expect(groupsOf(kSkills, ' RAIN of').flatMap(group => group.items.map(one => one.name))).toEqual(['weather']);
  expect(groupsOf(kSkills, 'nothing')).toEqual([]);
  expect(groupsOf([{ name: 'web_fetch', description: '' }], 'web fetch')).toHaveLength(1);
  expect(groupsOf([{ name: 'b', description: 'like a' }, { name: 'a', description: '' }], 'a')[0]!.items.map(one => one.name)).toEqual(['a', 'b']);
});

test('of skills of one name the used one has the short address', () => {
  expect(kSkills.map(one => skillRest(one, kSkills))).toEqual(['skill/review/workspace', 'skill/review', 'skill/weather']);
  for (const skill of kSkills) {
    const place = placeOf(skillRest(skill, kSkills));
    expect(place.kind === 'skill' && skillAt(kSkills, place.name, place.origin)).toBe(skill);
  }
});

test('a broken file that claims the name of a tool has an address of its own', () => {
  const tools = [
    { name: 'read', origin: 'user', state: 'broken', path: '/home/me/tools/read.wasm' },
    { name: 'read', origin: 'builtin', state: 'ready' },
    { name: 'torn', origin: 'workspace', state: 'broken', path: '/w/.boxagnts/tools/torn.wasm' },
  ] as Tool[];
  expect(tools.map(one => toolRest(one, tools))).toEqual(['file/user/read.wasm', 'read', 'torn']);
  for (const tool of tools) expect(toolAt(tools, placeOf(toolRest(tool, tools)))).toBe(tool);
});

test.each([
  ['', { kind: 'none' }],
  ['read', { kind: 'tool', name: 'read' }],
  ['skill', { kind: 'tool', name: 'skill' }],
  ['skill/', { kind: 'tool', name: 'skill' }],
  ['new-skill', { kind: 'new-skill' }],
  ['file', { kind: 'tool', name: 'file' }],
  ['file/user/read.wasm', { kind: 'tool-file', origin: 'user', name: 'read.wasm' }],
  ['skill/x/elsewhere', { kind: 'skill', name: 'x', origin: undefined }],
])('the address %j', (rest, place) => expect(placeOf(rest)).toEqual(place));

describe('a new skill', () => {
  test.each([['demo'], ['a-1'], ['']])('may be named %j', name => expect(nameProblem(name)).toBe(''));
  test.each([['Demo'], ['a b'], ['-a'], ['a-'], ['a--b'], ['ä'], ['a'.repeat(65)]])('may not be named %j', name =>
    expect(nameProblem(name)).not.toBe(''));
  test('is made from a template that nothing typed can break', () => {
    const text = skillTemplate('demo', 'Says "hi": \n---\nname: other');
    const { front, body } = splitSkill(text);
    expect(front.split('\n').slice(0, 2)).toEqual(['name: demo', 'description: "Says \\"hi\\": \\n---\\nname: other"']);
    expect(body).toContain('# What to do');
  });
});

test('front matter is told from the body', () => {
  expect(splitSkill('no front')).toEqual({ front: '', body: 'no front' });
  expect(splitSkill('---\r\na: 1\r\n---\r\nbody')).toEqual({ front: 'a: 1', body: 'body' });
  expect(splitSkill('---\na: 1\n---')).toEqual({ front: 'a: 1', body: '' });
});

test.each([['SKILL.md:3', 3], ['/a/b:12', 12], ['line 4', 4], ['7', 7], ['SKILL.md', undefined], ['a:2:5', 2]])(
  'the line of %j', (where, line) => expect(lineOf(where)).toBe(line));
