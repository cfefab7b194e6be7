import { describe, expect, test } from 'vitest';

import type { Setting } from '../../api/types';
import { kSections } from './sections';
import { backOf, fileOf, fromText, helpText, sectionAt, sectionOf, valueText, whyFixed } from './words';

const kOwn = '/home/me/.config/boxagnts/settings.toml';

function setting(part: Partial<Setting>): Setting {
  return {
    key: 'limits.wasm_timeout', title: '', help: '', schema: { type: 'integer' }, value: 30, default: 30, from: 'default',
    writable: true, applies: 'next run', ...part,
  };
}

test.each([
  ['default', 'the default'],
  ['flag --mode', 'the command line, --mode'],
  ['environment BOXAGNTS_MODEL', 'the environment variable BOXAGNTS_MODEL'],
  [`${kOwn}:3`, `${kOwn}:3`],
])('%s reads %s', (from, text) => expect(fromText(from)).toBe(text));

test.each([
  ['limits.wasm_timeout', 30, '30 seconds'],
  ['limits.wasm_fuel', 0, 'not counted'],
  ['model.images', null, 'not set'],
  ['network.offline', false, 'no'],
  ['network.block_networks', [], 'none'],
  ['network.block_networks', ['private', '10.0.0.0/8'], 'private, 10.0.0.0/8'],
  ['model.default', '', 'nothing'],
])('%s of %j reads %s', (key, value, text) => expect(valueText({ key }, value)).toBe(text));

describe('the way back', () => {
  test('is there only for what this program wrote', () => {
    expect(backOf(setting({}), kOwn)).toBeUndefined();
    expect(backOf(setting({ from: '/home/me/.config/boxagnts/config.toml:2' }), kOwn)).toBeUndefined();
    expect(backOf(setting({ from: `${kOwn}:2` }), kOwn)).toEqual({ label: 'Back to default', note: '30 seconds' });
  });
  test('says where it leads', () => {
    const shadowed = [{ value: 60, from: '/c.toml:4' }];
    expect(backOf(setting({ from: `${kOwn}:2`, shadowed }), kOwn)).toEqual({ label: 'Back', note: 'to 1 minute from /c.toml:4' });
  });
  test('is there for what something else hides', () => {
    const shadowed = [{ value: 60, from: `${kOwn}:1` }];
    expect(backOf(setting({ from: 'flag --timeout', shadowed }), kOwn)!.label).toBe('Remove what is written here');
  });
});

test.each([
  ['limits.wasm_timeout', 'In seconds.', ''],
  ['agent.question_time', 'In seconds; then it is a no.', 'Then it is a no.'],
  ['agent.result_bytes_max', "Bytes of one tool's result", "Bytes of one tool's result"],
  ['agent.turns_max', 'In seconds', 'In seconds'],
])('the help of %s', (key, help, text) => expect(helpText(setting({ key, help }))).toBe(text));

test('what cannot be written says why', () => {
  expect(whyFixed(setting({ from: 'flag --mode' }))).toContain('the command line, --mode');
  expect(whyFixed(setting({ from: '/w/.boxagnts/config.toml:2' }))).toContain('/w/.boxagnts/config.toml:2');
});

test('every setting has a section, and every address', () => {
  expect(['model.default', 'agent.mode', 'sandbox.map_dirs', 'network.offline', 'limits.wasm_fuel', 'appearance.theme', 'new.one'].map(sectionOf))
    .toEqual(['models', 'permissions', 'permissions', 'network', 'limits', 'appearance', 'limits']);
  for (const { id } of kSections) expect(sectionAt(`${id}/more`)).toBe(id);
  expect(sectionAt('nowhere')).toBe('models');
  expect(fileOf('/a:b.toml:12')).toBe('/a:b.toml');
});
