// Words for settings: where a value comes from, what it is in people's units, and which section
// shows it. Pure.

import type { Mode, Setting } from '../../api/types';
import { quantityText, unitsOf } from '../../state/quantities';
import { kSections, type Section } from './sections';

export function sectionAt(rest: string): Section {
  const [first] = rest.split('/');
  return kSections.find(one => one.id === first)?.id ?? 'models';
}

// A setting that this page has never heard of stands among the limits.
export function sectionOf(key: string): Section {
  if (key.startsWith('model.')) return 'models';
  if (key === 'agent.mode' || key.startsWith('sandbox.')) return 'permissions';
  if (key.startsWith('network.')) return 'network';
  if (key.startsWith('appearance.')) return 'appearance';
  return 'limits';
}

export const kModes: { mode: Mode; title: string; text: string }[] = [
  { mode: 'plan', title: 'Plan', text: 'Looks around and changes nothing; programs only read; no connection that no rule allows.' },
  { mode: 'ask', title: 'Ask', text: 'Every change to files is asked about with its diff, every new host before it is connected to.' },
  { mode: 'edits', title: 'Edits', text: 'Changes to files are applied at once; what programs change, and new hosts, are asked about.' },
  { mode: 'autonomous', title: 'Autonomous', text: 'Changes are applied, those of programs as well; new hosts are asked about.' },
  { mode: 'unattended', title: 'Unattended', text: 'Nobody is there: nothing is asked. What would be asked is refused and kept for you to answer later.' },
];

// "…/settings.toml:3" -> its file
export function fileOf(from: string): string {
  return from.replace(/:\d+$/, '');
}

export function fromText(from: string): string {
  if (from === 'default') return 'the default';
  const [kind, ...name] = from.split(' ');
  if (kind === 'flag' && name.length) return `the command line, ${name.join(' ')}`;
  if (kind === 'environment' && name.length) return `the environment variable ${name.join(' ')}`;
  return from;
}

export function valueText(setting: Pick<Setting, 'key'>, value: unknown): string {
  if (value === null || value === undefined) return 'not set';
  if (typeof value === 'number') {
    if (setting.key === 'limits.wasm_fuel' && value === 0) return 'not counted';
    return quantityText(value, unitsOf(setting.key));
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length ? value.map(one => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ') : 'none';
  if (value === '') return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

// The help of a setting whose unit stands beside its number needs not name the server's unit.
export function helpText(setting: Setting): string {
  if (!unitsOf(setting.key).length) return setting.help;
  const rest = setting.help.replace(/^In (bytes|seconds)[.,;]? ?/i, '');
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

// What "back" leads to, where the program's own file sets the value; undefined: it does not.
export function backOf(setting: Setting, own: string): { label: string; note: string } | undefined {
  const isOwn = (from: string): boolean => fileOf(from) === own;
  if (!isOwn(setting.from)) {
    const hidden = setting.shadowed?.find(one => isOwn(one.from));
    return hidden ? { label: 'Remove what is written here', note: `${valueText(setting, hidden.value)}, which does not count` } : undefined;
  }
  const below = setting.shadowed?.[0];
  return below
    ? { label: 'Back', note: `to ${valueText(setting, below.value)} from ${fromText(below.from)}` }
    : { label: 'Back to default', note: valueText(setting, setting.default) };
}

// Why a setting cannot be written here, as a sentence.
export function whyFixed(setting: Setting): string {
  if (/^flag |^environment /.test(setting.from)) return `It is set by ${fromText(setting.from)}, which counts more than anything written here.`;
  if (setting.from === 'default') return 'It cannot be changed while the server runs.';
  return `It is set in ${setting.from}, which counts more than what is written here.`;
}

// --- rules

export const kVerbs = [
  { verb: 'read', help: 'Files that may be read: a glob, as in docs or ~/notes/** or *.lock', example: 'docs/**' },
  { verb: 'write', help: 'Files that may be changed: a glob, as in src/generated or *.lock', example: 'docs/**' },
  { verb: 'tool', help: 'Tools by name, with * and ?', example: 'web_fetch' },
  { verb: 'connect', help: 'Hosts, as in https://api.example.com or https://*.example.org:8443', example: 'https://api.example.com' },
] as const;

export const kEffectWords = { allow: 'Allow', ask: 'Ask before', deny: 'Deny' } as const;

export const kLayerTitles = { builtin: 'Built in', user: 'Yours', workspace: "This workspace's", flags: 'Of the command line' } as const;

export const kDecisionWords = {
  allow: { text: 'It would run', tone: 'good' },
  ask: { text: 'It would be asked about', tone: 'warn' },
  deny: { text: 'It would be denied', tone: 'bad' },
} as const;
