import { describe, expect, test } from 'vitest';

import type { Schema } from '../api/types';
import { byPath, checkValue, pathText } from './schema_check';
import { isLong, makeNode, newItem, readForm, type FormNode } from './schema_form';
import { argumentRows, typeText } from './schema_words';

const kTodo: Schema = {
  type: 'object', required: ['todos'], additionalProperties: false,
  properties: {
    todos: {
      type: 'array', maxItems: 2, description: 'The whole list.',
      items: {
        type: 'object', required: ['content', 'status'],
        properties: { content: { type: 'string', minLength: 1 }, status: { enum: ['pending', 'completed'] } },
      },
    },
    loud: { type: 'boolean' },
    count: { type: 'integer', minimum: 1, maximum: 9, default: 3 },
  },
};
const kAsk: Schema = {
  type: 'object',
  properties: {
    options: {
      type: 'array',
      items: { anyOf: [{ type: 'string' }, { type: 'object', required: ['label'], properties: { label: { type: 'string' } } }] },
    },
    args: { type: ['string', 'object'] },
    near: { type: 'object', properties: { lines: { type: 'number' } } },
  },
};

function part(node: FormNode, name: string): FormNode {
  return node.parts.find(one => one.name === name)!;
}

describe('a form', () => {
  test('says nothing where nothing is typed, but for what is required', () => {
    const node = makeNode(kTodo);
    expect(node.parts.map(one => [one.name, one.kind])).toEqual([['todos', 'list'], ['loud', 'switch'], ['count', 'number']]);
    expect(readForm(node)).toEqual({ value: { todos: [] }, problems: [] });
    expect(readForm(makeNode(kAsk)).value).toEqual({});
  });

  test('says what is typed', () => {
    const node = makeNode(kTodo);
    const todos = part(node, 'todos');
    todos.parts.push(newItem(todos.schema, 1));
    part(todos.parts[0]!, 'content').text = 'sweep';
    part(todos.parts[0]!, 'status').text = '1';
    part(node, 'loud').text = 'false';
    part(node, 'count').text = ' 4 ';
    expect(readForm(node).value).toEqual({ todos: [{ content: 'sweep', status: 'completed' }], loud: false, count: 4 });
  });

  test('keeps a number that is none as it was typed, and says so', () => {
    const node = makeNode(kTodo);
    part(node, 'count').text = 'four';
    expect(readForm(node)).toEqual({
      value: { todos: [], count: 'four' },
      problems: [{ path: '/count', message: 'This is not a number.' }],
    });
  });

  test.each([
    [{ todos: [{ content: 'a', status: 'pending' }], count: 2 }],
    [{ todos: [], loud: true }],
    [{ todos: 'no list', other: { x: 1 } }],
    [{ todos: [{ content: 'a', status: 'unheard of', more: null }] }],
  ])('gives back the value %j that it was made of', value => {
    expect(readForm(makeNode(kTodo, { value })).value).toEqual(value);
  });

  test.each([
    [{ options: ['one', { label: 'two' }], args: 'x', near: { lines: 1.5 } }],
    [{ args: { city: 'Bonn' }, near: {} }],
    [{ options: [7] }],
  ])('gives back the value %j of several kinds', value => {
    expect(readForm(makeNode(kAsk, { value })).value).toEqual(value);
  });

  test('a text that is required may be empty; one that is not is left out', () => {
    const schema: Schema = { type: 'object', required: ['a'], properties: { a: { type: 'string' }, b: { type: 'string' } } };
    expect(readForm(makeNode(schema)).value).toEqual({ a: '' });
  });

  test('an object that may be left out is left out until it is wanted', () => {
    const node = makeNode(kAsk);
    expect(part(node, 'near').given).toBe(false);
    part(node, 'near').given = true;
    expect(readForm(node).value).toEqual({ near: {} });
  });

  test('what it cannot show is JSON', () => {
    const schema: Schema = {
      type: 'object',
      properties: { any: {}, map: { type: 'object' }, ref: { $ref: '#/$defs/x' }, all: { allOf: [{ type: 'string' }] } },
    };
    const node = makeNode(schema);
    expect(node.parts.every(one => one.kind === 'json')).toBe(true);
    part(node, 'map').text = '{"a": [1]}';
    part(node, 'any').text = '{';
    const { value, problems } = readForm(node);
    expect(value).toMatchObject({ map: { a: [1] } });
    expect(problems[0]!.path).toBe('/any');
  });

  test('ends a schema that is deeper than anybody types', () => {
    let schema: Schema = { type: 'string' };
    for (let depth = 0; depth < 12; ++depth) schema = { type: 'object', required: ['in'], properties: { in: schema } };
    let node = makeNode(schema);
    let depth = 0;
    for (; node.kind === 'group'; ++depth) node = node.parts[0]!;
    expect([depth, node.kind]).toEqual([7, 'json']);
  });

  test('a member named __proto__ is a member', () => {
    const value = JSON.parse('{"todos": [], "__proto__": {"x": 1}}');
    const read = readForm(makeNode(kTodo, { value })).value;
    expect(JSON.stringify(read)).toBe('{"todos":[],"__proto__":{"x":1}}');
    expect(checkValue(kTodo, read).map(one => one.path)).toEqual(['/__proto__']);
  });

  test('options of one value each are one choice, and conditions alone make no fields', () => {
    expect(makeNode({ anyOf: [{ const: 'a' }, { enum: ['b', 'c'] }, { type: 'null' }] }).kind).toBe('choice');
    const plan: Schema = { type: 'object', properties: { plan: { type: 'string' } }, anyOf: [{ required: ['plan'] }, { required: ['summary'] }] };
    expect(makeNode(plan).kind).toBe('group');
    expect(checkValue(plan, {})).toEqual([{ path: '', message: 'One of these is needed: plan, summary.' }]);
  });

  test('long texts get room', () => {
    const node = (name: string, schema: Schema) => makeNode({ type: 'string', ...schema }, { name });
    expect(isLong(node('content', {}))).toBe(true);
    expect(isLong(node('file_path', {}))).toBe(false);
    expect(isLong(node('label', { maxLength: 200 }))).toBe(false);
  });
});

describe('a check', () => {
  test.each<[Schema, unknown, string]>([
    [{ type: 'string', minLength: 1 }, '', 'This may not be empty.'],
    [{ type: 'string', maxLength: 2 }, 'abc', 'This takes at most 2 characters; it has 3.'],
    [{ type: 'string', pattern: '^[0-9]+$' }, 'x', 'This does not fit the pattern ^[0-9]+$'],
    [{ type: 'integer' }, 1.5, 'This takes a whole number.'],
    [{ type: ['string', 'null'] }, 4, 'This takes a text or null.'],
    [{ type: 'integer', minimum: 1 }, 0, 'This is at least 1.'],
    [{ type: 'integer', maximum: 3 }, 4, 'This is at most 3.'],
    [{ enum: ['a', 1] }, 'b', 'This is one of: a, 1.'],
    [{ type: 'array', minItems: 1 }, [], 'This takes at least 1 entry.'],
    [{ type: 'array', maxItems: 1 }, [1, 2], 'This takes at most 1 entry.'],
    [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, true, 'This takes a text.'],
  ])('%j refuses %j', (schema, value, message) => {
    expect(checkValue(schema, value)).toEqual([{ path: '', message }]);
  });

  test.each<[Schema, unknown]>([
    [{ type: 'string', maxLength: 2 }, '🙂🙂'],
    [{ type: 'number' }, 1],
    [{ type: 'string', pattern: '(a+)+$' }, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'],
    [{ type: 'string', pattern: '[' }, 'x'],
    [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, 2],
    [{ $ref: '#/$defs/x' }, 2],
  ])('%j takes %j', (schema, value) => expect(checkValue(schema, value)).toEqual([]));

  test('names the place', () => {
    const problems = checkValue(kTodo, { todos: [{ content: '', status: 'pending' }, { status: 'x' }], count: 10, more: 1 });
    expect(byPath(problems)).toEqual(new Map([
      ['/todos/0/content', 'This may not be empty.'],
      ['/todos/1/content', 'This is needed.'],
      ['/todos/1/status', 'This is one of: pending, completed.'],
      ['/count', 'This is at most 9.'],
      ['/more', '"more" is not known here.'],
    ]));
    expect(pathText('/todos/0/content')).toBe('todos, entry 1, content');
  });
});

test('a schema reads as a table', () => {
  expect(argumentRows(kTodo)).toEqual([
    { name: 'todos', type: 'list of objects', required: true, help: 'The whole list.', bounds: 'at most 2 entries' },
    { name: 'todos[].content', type: 'text', required: true, help: '', bounds: 'not empty' },
    { name: 'todos[].status', type: 'one of pending, completed', required: true, help: '', bounds: '' },
    { name: 'loud', type: 'yes or no', required: false, help: '', bounds: '' },
    { name: 'count', type: 'whole number', required: false, help: '', bounds: '1 to 9; default 3' },
  ]);
  expect(argumentRows(kAsk).map(one => `${one.name}: ${one.type}`)).toEqual([
    'options: list (each: text or object)', 'options[].label: text', 'args: text or object', 'near: object', 'near.lines: number',
  ]);
  expect(typeText({ type: 'array', items: { type: 'string' } })).toBe('list of texts');
});
