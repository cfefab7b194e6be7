// Forms made from JSON Schema: a tree of nodes that holds what a person typed, and the value that it
// says. What a form cannot show (references, free objects, deep nesting) is a field for JSON. Pure.

import type { Schema } from '../api/types';

export type FieldKind = 'text' | 'number' | 'switch' | 'choice' | 'list' | 'group' | 'either' | 'json';

export interface FormNode {
  key: number;         // of this node for as long as it lives
  name: string;
  kind: FieldKind;
  schema: Schema;
  required: boolean;
  text: string;        // text, number, json: as typed; switch: '', 'true', 'false'; choice: '' or an index
  parts: FormNode[];   // fields of a group, items of a list, options of an either
  chosen: number;      // of an either; -1: not given
  given: boolean;      // of a group that may be left out
  rest: [string, unknown][];  // members of a group that its schema does not name
}

export interface FormProblem {
  path: string;  // "/todos/0/content"
  message: string;
}

const kDepthMax = 6;
let nextKey = 1;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// What a schema's value may be, each way by itself: anyOf, oneOf and lists of types, opened.
export function waysOf(schema: Schema): Schema[] {
  const options = schema.anyOf ?? schema.oneOf;
  // Options without a type of their own only say what goes together: the check does that.
  if (options && !schema.properties && options.every(one => one.type ?? one.enum ?? one.properties ?? one.const !== undefined))
    return options.flatMap(waysOf);
  if (Array.isArray(schema.type)) return schema.type.map(type => ({ ...schema, type }));
  return [schema];
}

// The values of a choice, or undefined where the schema is none.
export function choicesOf(schema: Schema): unknown[] | undefined {
  if (schema.enum) return schema.enum;
  if (schema.const !== undefined) return [schema.const];
  return schema.type === 'null' ? [null] : undefined;
}

function kindOf(schema: Schema, depth: number): FieldKind {
  if (schema.$ref || schema.allOf || depth > kDepthMax) return 'json';
  if (choicesOf(schema)) return 'choice';
  const ways = waysOf(schema);
  if (ways.length > 1) return ways.every(choicesOf) ? 'choice' : 'either';
  const type = schema.type ?? (schema.properties ? 'object' : schema.items ? 'array' : '');
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'boolean') return 'switch';
  if (type === 'array' && isObject(schema.items)) return 'list';
  if (type === 'object' && (schema.properties || schema.additionalProperties === false)) return 'group';
  return 'json';
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

// Whether a form of this kind can show the value.
function fits(kind: FieldKind, schema: Schema, value: unknown): boolean {
  switch (kind) {
    case 'text': return typeof value === 'string';
    case 'number': return typeof value === 'number';
    case 'switch': return typeof value === 'boolean';
    case 'choice': return optionsOf(schema).some(one => sameJson(one, value));
    case 'list': return Array.isArray(value);
    case 'group': return isObject(value);
    case 'either': return waysOf(schema).some(way => fits(kindOf(way, 0), way, value));
    case 'json': return true;
  }
}

// The values that a node of kind choice offers.
export function optionsOf(schema: Schema): unknown[] {
  return choicesOf(schema) ?? waysOf(schema).flatMap(way => choicesOf(way) ?? []);
}

export interface NodeWanted {
  name?: string;
  required?: boolean;
  value?: unknown;  // undefined: nothing is typed yet
  depth?: number;
}

// The node of a schema, filled with the value where there is one.
export function makeNode(schema: Schema, { name = '', required = true, value, depth = 0 }: NodeWanted = {}): FormNode {
  let kind = kindOf(schema, depth);
  if (value !== undefined && !fits(kind, schema, value)) kind = 'json';
  const node: FormNode = {
    key: nextKey++, name, kind, schema, required, text: '', parts: [], chosen: -1,
    given: required || value !== undefined, rest: [],
  };
  const has = value !== undefined;
  switch (kind) {
    case 'text': node.text = has ? (value as string) : ''; break;
    case 'number': node.text = has ? String(value) : ''; break;
    case 'switch': node.text = has ? String(value) : required ? 'false' : ''; break;
    case 'choice': {
      const options = optionsOf(schema);
      const at = has ? options.findIndex(one => sameJson(one, value)) : required && options.length === 1 ? 0 : -1;
      node.text = at < 0 ? '' : String(at);
      break;
    }
    case 'list':
      if (has) node.parts = (value as unknown[]).map(item => newItem(schema, depth, item));
      break;
    case 'group': {
      const names = Object.keys(schema.properties ?? {});
      const values = has ? new Map(Object.entries(value as object)) : new Map<string, unknown>();
      node.parts = names.map(one => makeNode(schema.properties![one]!, {
        name: one, required: schema.required?.includes(one) ?? false, value: values.get(one), depth: depth + 1,
      }));
      node.rest = [...values].filter(([one]) => !names.includes(one));
      break;
    }
    case 'either': {
      const ways = waysOf(schema);
      const at = has ? ways.findIndex(way => fits(kindOf(way, depth), way, value)) : required ? 0 : -1;
      node.parts = ways.map((way, index) => makeNode(way, { depth: depth + 1, value: index === at ? value : undefined }));
      node.chosen = at;
      break;
    }
    case 'json': node.text = has ? JSON.stringify(value, null, 2) : ''; break;
  }
  return node;
}

// One more item of a list with this schema.
export function newItem(schema: Schema, depth: number, value?: unknown): FormNode {
  return makeNode(schema.items ?? {}, { value, depth: depth + 1 });
}

// The value that the form says, undefined where nothing is given; and what could not be read.
export function readForm(node: FormNode, path = '', problems: FormProblem[] = []): { value: unknown; problems: FormProblem[] } {
  return { value: valueOf(node, path, problems), problems };
}

function valueOf(node: FormNode, path: string, problems: FormProblem[]): unknown {
  const { text, required } = node;
  switch (node.kind) {
    case 'text': return text === '' && !required ? undefined : text;
    case 'number': {
      if (!text.trim()) return undefined;
      const number = Number(text);
      if (Number.isFinite(number)) return number;
      problems.push({ path, message: 'This is not a number.' });
      return text;
    }
    case 'switch': return text === '' ? undefined : text === 'true';
    case 'choice': return text === '' ? undefined : optionsOf(node.schema)[Number(text)];
    case 'list':
      if (!node.parts.length && !required) return undefined;
      return node.parts.map((part, at) => valueOf(part, `${path}/${at}`, problems) ?? null);
    case 'group': {
      if (!node.given) return undefined;
      const members: [string, unknown][] = node.parts.map(part => [part.name, valueOf(part, `${path}/${part.name}`, problems)]);
      return Object.fromEntries([...members.filter(([, value]) => value !== undefined), ...node.rest]);
    }
    case 'either': return node.chosen < 0 ? undefined : valueOf(node.parts[node.chosen]!, path, problems);
    case 'json': {
      if (!text.trim()) return undefined;
      const read = parseJson(text);
      if ('value' in read) return read.value;
      problems.push({ path, message: read.error });
      return text;
    }
  }
}

export function parseJson(text: string): { value: unknown } | { error: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { error: `This is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

// Names of things that are written in one line.
const kOneLine = /(^|_)(path|url|file|name|glob|type|id|host|query|pattern|pages?|model|user_agent)$/i;

export function isLong(node: FormNode): boolean {
  const { schema } = node;
  if (schema.pattern || schema.format) return false;
  if (schema.maxLength === undefined) return node.name !== '' && !kOneLine.test(node.name);  // entries of lists have no name
  return schema.maxLength > 300 && !kOneLine.test(node.name);
}
