// Numbers with the units that people use for them: bytes and seconds. Pure.

import type { Schema } from '../api/types';

export interface Unit {
  label: string;
  factor: number;
}

const kBytes: Unit[] = [
  { label: 'bytes', factor: 1 },
  { label: 'KB', factor: 1000 },
  { label: 'KiB', factor: 1024 },
  { label: 'MB', factor: 1000 ** 2 },
  { label: 'MiB', factor: 1024 ** 2 },
  { label: 'GB', factor: 1000 ** 3 },
  { label: 'GiB', factor: 1024 ** 3 },
];
const kTime: Unit[] = [
  { label: 'seconds', factor: 1 },
  { label: 'minutes', factor: 60 },
  { label: 'hours', factor: 3600 },
  { label: 'days', factor: 86_400 },
];

// The units of a setting's numbers; empty: it is counted.
export function unitsOf(key: string): Unit[] {
  if (/(_bytes_max|_size|_stack)$/.test(key)) return kBytes;
  if (/(_time|_timeout)$/.test(key)) return kTime;
  return [];
}

// The largest unit that says the number whole; of two, the one that says it shorter.
export function bestUnit(value: number, units: readonly Unit[]): Unit {
  let best = units[0]!;
  for (const unit of units)
    if (value !== 0 && value % unit.factor === 0 && String(value / unit.factor).length <= String(value / best.factor).length)
      best = unit;
  return best;
}

export function quantityText(value: number, units: readonly Unit[]): string {
  if (!units.length) return String(value);
  const unit = bestUnit(value, units);
  const amount = value / unit.factor;
  return `${amount} ${amount === 1 && unit.label.endsWith('s') ? unit.label.slice(0, -1) : unit.label}`;
}

// What is wrong with a number of a setting, in its units; '': nothing.
export function quantityProblem(value: number | undefined, schema: Schema, units: readonly Unit[]): string {
  if (value === undefined) return 'This is not a number.';
  const { minimum, maximum } = schema;
  if (minimum !== undefined && value < minimum) return `This is at least ${quantityText(minimum, units)}.`;
  if (maximum !== undefined && value > maximum) return `This is at most ${quantityText(maximum, units)}.`;
  return '';
}

// What was typed, in whole units of one; undefined: it is no number.
export function readQuantity(text: string, unit: Unit): number | undefined {
  const trimmed = text.trim().replace(',', '.');
  if (!/^\d+(\.\d+)?$/.test(trimmed)) return undefined;
  return Math.round(Number(trimmed) * unit.factor);
}
