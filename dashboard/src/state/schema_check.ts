// Whether a value is as its JSON Schema says, in sentences for the person who typed it. What is not
// looked at here (references, rare words) is checked by the server. Pure.

import type { Schema } from '../api/types';
import { isObject, type FormProblem } from './schema_form';
import { plural } from './text';

const kProblemsMax = 50;

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

const kTypeWords: Record<string, string> = {
  string: 'a text', integer: 'a whole number', number: 'a number', boolean: 'yes or no', array: 'a list',
  object: 'an object', null: 'null',
};

function isOfType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return typeName(value) === type;
}

// A pattern of somebody else's that could take forever is left to the server.
function refusedBy(pattern: string, text: string): boolean {
  if (pattern.length > 200 || text.length > 1000 || /\)[*+{]/.test(pattern)) return false;
  try {
    return !new RegExp(pattern, 'u').test(text);
  } catch {
    return false;
  }
}

function checkText(schema: Schema, text: string): string | undefined {
  const length = [...text].length;
  if (schema.minLength !== undefined && length < schema.minLength)
    return schema.minLength === 1 ? 'This may not be empty.' : `This takes at least ${plural(schema.minLength, 'character')}.`;
  if (schema.maxLength !== undefined && length > schema.maxLength)
    return `This takes at most ${plural(schema.maxLength, 'character')}; it has ${length}.`;
  if (schema.pattern !== undefined && refusedBy(schema.pattern, text)) return `This does not fit the pattern ${schema.pattern}`;
  return undefined;
}

function checkNumber(schema: Schema, value: number): string | undefined {
  if (schema.minimum !== undefined && value < schema.minimum) return `This is at least ${schema.minimum}.`;
  if (schema.maximum !== undefined && value > schema.maximum) return `This is at most ${schema.maximum}.`;
  if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum) return `This is more than ${schema.exclusiveMinimum}.`;
  if (schema.exclusiveMaximum !== undefined && value >= schema.exclusiveMaximum) return `This is less than ${schema.exclusiveMaximum}.`;
  return undefined;
}

function checkList(schema: Schema, items: unknown[], path: string, into: FormProblem[]): void {
  if (schema.minItems !== undefined && items.length < schema.minItems)
    into.push({ path, message: `This takes at least ${plural(schema.minItems, 'entry', 'entries')}.` });
  if (schema.maxItems !== undefined && items.length > schema.maxItems)
    into.push({ path, message: `This takes at most ${plural(schema.maxItems, 'entry', 'entries')}.` });
  if (isObject(schema.items)) items.forEach((item, at) => walk(schema.items!, item, `${path}/${at}`, into));
}

function checkObject(schema: Schema, value: Record<string, unknown>, path: string, into: FormProblem[]): void {
  const members = new Map(Object.entries(value));
  for (const name of schema.required ?? [])
    if (!members.has(name)) into.push({ path: `${path}/${name}`, message: 'This is needed.' });
  const known = new Map(Object.entries(schema.properties ?? {}));
  for (const [name, member] of members) {
    const own = known.get(name) ?? (isObject(schema.additionalProperties) ? (schema.additionalProperties as Schema) : undefined);
    if (own) walk(own, member, `${path}/${name}`, into);
    else if (schema.additionalProperties === false) into.push({ path: `${path}/${name}`, message: `"${name}" is not known here.` });
  }
}

function walk(schema: Schema, value: unknown, path: string, into: FormProblem[]): void {
  if (into.length >= kProblemsMax) return;
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length && !types.some(type => isOfType(value, type))) {
    into.push({ path, message: `This takes ${types.map(type => kTypeWords[type] ?? type).join(' or ')}.` });
    return;
  }
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (choices && !choices.some(one => JSON.stringify(one) === JSON.stringify(value))) {
    into.push({ path, message: `This is one of: ${choices.map(one => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ')}.` });
    return;
  }
  let message: string | undefined;
  if (typeof value === 'string') message = checkText(schema, value);
  else if (typeof value === 'number') message = checkNumber(schema, value);
  if (message) into.push({ path, message });
  if (Array.isArray(value)) checkList(schema, value, path, into);
  else if (isObject(value)) checkObject(schema, value, path, into);
  for (const part of schema.allOf ?? []) walk(part, value, path, into);
  const options = schema.anyOf ?? schema.oneOf;
  if (options?.length) checkOptions(options, value, path, into);
}

// Of the options that the value misses, the one it comes nearest to says what is wrong.
function checkOptions(options: Schema[], value: unknown, path: string, into: FormProblem[]): void {
  let nearest: FormProblem[] | undefined;
  for (const option of options) {
    const problems: FormProblem[] = [];
    walk(option, value, path, problems);
    if (!problems.length) return;
    const deeper = (list: FormProblem[]): number => Math.max(...list.map(one => one.path.length));
    if (!nearest || deeper(problems) > deeper(nearest)) nearest = problems;
  }
  const needed = options.map(one => one.required).filter(one => one !== undefined);
  if (needed.length === options.length && options.every(one => !one.type && !one.properties))
    into.push({ path, message: `One of these is needed: ${needed.map(one => one.join(' with ')).join(', ')}.` });
  else into.push(...nearest!.slice(0, kProblemsMax));
}

export function checkValue(schema: Schema, value: unknown, path = ''): FormProblem[] {
  const problems: FormProblem[] = [];
  walk(schema, value, path, problems);
  return problems;
}

// By path, the first of each.
export function byPath(problems: readonly FormProblem[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const { path, message } of problems) if (!map.has(path)) map.set(path, message);
  return map;
}

// "/todos/0/content" -> "todos, entry 1, content"
export function pathText(path: string): string {
  return path.split('/').slice(1).map(part => (/^\d+$/.test(part) ? `entry ${Number(part) + 1}` : part)).join(', ');
}
