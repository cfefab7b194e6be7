// A JSON Schema as a table that people read: one row an argument, those of nested objects below
// theirs. Pure.

import type { Schema } from '../api/types';
import { choicesOf, waysOf } from './schema_form';
import { plural } from './text';

export interface ArgumentRow {
  name: string;      // "todos[].content"
  type: string;
  required: boolean;
  help: string;
  bounds: string;    // "1 to 100; default 5"
}

const kTypes: Record<string, string> = {
  string: 'text', integer: 'whole number', number: 'number', boolean: 'yes or no', object: 'object', array: 'list', null: 'null',
};

const kChoicesMax = 20;

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function typeText(schema: Schema): string {
  if (schema.$ref) return 'anything';
  const choices = choicesOf(schema);
  if (choices?.length === 1) return valueText(choices[0]);
  if (choices) {
    const more = choices.length > kChoicesMax ? ` and ${choices.length - kChoicesMax} more` : '';
    return `one of ${choices.slice(0, kChoicesMax).map(valueText).join(', ')}${more}`;
  }
  const ways = waysOf(schema);
  if (ways.length > 1) return [...new Set(ways.map(typeText))].join(' or ');
  const type = typeof schema.type === 'string' ? schema.type : schema.properties ? 'object' : schema.items ? 'array' : '';
  if (type === 'array' && schema.items) {
    const of = typeText(schema.items);
    return of.includes(' or ') || of.startsWith('one of') ? `list (each: ${of})` : `list of ${of === 'anything' ? of : pluralType(of)}`;
  }
  return kTypes[type] ?? 'anything';
}

function pluralType(type: string): string {
  return type === 'yes or no' || type.startsWith('list') ? type : `${type}s`;
}

export function boundsText(schema: Schema): string {
  const parts: string[] = [];
  const between = (least: number | undefined, most: number | undefined, unit: string): void => {
    const of = unit ? ` ${unit}` : '';
    if (least !== undefined && most !== undefined) parts.push(`${least} to ${most}${of}`);
    else if (least !== undefined) parts.push(`at least ${least}${of}`);
    else if (most !== undefined) parts.push(`at most ${most}${of}`);
  };
  between(schema.minimum, schema.maximum, '');
  if (schema.minLength === 1 && schema.maxLength === undefined) parts.push('not empty');
  else if (schema.minLength === undefined && schema.maxLength !== undefined) parts.push(`at most ${plural(schema.maxLength, 'character')}`);
  else between(schema.minLength, schema.maxLength, 'characters');
  between(schema.minItems, schema.maxItems, 'entries');
  if (schema.pattern) parts.push(`pattern ${schema.pattern}`);
  if (schema.format) parts.push(schema.format);
  if (schema.default !== undefined) parts.push(`default ${valueText(schema.default)}`);
  return parts.join('; ');
}

const kRowsMax = 200;

export function argumentRows(schema: Schema, before = '', rows: ArgumentRow[] = [], depth = 0): ArgumentRow[] {
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    if (rows.length >= kRowsMax) break;
    rows.push({
      name: before + name,
      type: typeText(part),
      required: schema.required?.includes(name) ?? false,
      help: part.description ?? part.title ?? '',
      bounds: boundsText(part),
    });
    if (depth < 5) nested(part, before + name, rows, depth + 1);
  }
  return rows;
}

function nested(schema: Schema, name: string, rows: ArgumentRow[], depth: number): void {
  for (const way of waysOf(schema)) {
    if (way.properties) argumentRows(way, `${name}.`, rows, depth);
    else if (way.items && depth < 5) nested(way.items, `${name}[]`, rows, depth + 1);
  }
}
