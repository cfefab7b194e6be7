import { expect, test } from 'vitest';

import { bestUnit, quantityProblem, quantityText, readQuantity, unitsOf } from './quantities';

test.each([
  ['limits.wasm_max_memory_size', 268_435_456, '256 MiB'],
  ['limits.wasm_max_disk_size', 1_073_741_824, '1 GiB'],
  ['agent.result_bytes_max', 32_000, '32 KB'],
  ['agent.result_bytes_max', 32_001, '32001 bytes'],
  ['limits.wasm_max_disk_size', 0, '0 bytes'],
  ['limits.wasm_timeout', 30, '30 seconds'],
  ['agent.question_time', 86_400, '1 day'],
  ['agent.question_time', 5_400, '90 minutes'],
  ['agent.turns_max', 50, '50'],
  ['limits.wasm_fuel', 1_000_000, '1000000'],
])('%s of %d reads %s', (key, value, text) => expect(quantityText(value, unitsOf(key))).toBe(text));

test('what is out of bounds is told in units', () => {
  const units = unitsOf('limits.wasm_max_memory_size');
  const schema = { type: 'integer', minimum: 1 << 20, maximum: 2 ** 32 };
  expect(quantityProblem(1024, schema, units)).toBe('This is at least 1 MiB.');
  expect(quantityProblem(2 ** 33, schema, units)).toBe('This is at most 4 GiB.');
  expect(quantityProblem(2 ** 32, schema, units)).toBe('');
  expect(quantityProblem(undefined, schema, units)).toBe('This is not a number.');
});

test('what is typed becomes whole units of one', () => {
  const units = unitsOf('limits.wasm_max_memory_size');
  expect(readQuantity('1.5', bestUnit(1 << 20, units))).toBe(1_572_864);
  expect(readQuantity('1,5', units[1]!)).toBe(1_500);
  expect(readQuantity('-1', units[0]!)).toBeUndefined();
  expect(readQuantity('1e9', units[0]!)).toBeUndefined();
  expect(readQuantity('', units[0]!)).toBeUndefined();
});
