import { describe, expect, it } from 'vitest';

import { parseArguments, summaryOf } from './call_text';
import { parseSlash, suggestions } from './slash';

describe('a call in a few words', () => {
  it('says what it is about', () => {
    const of = (value: unknown) => summaryOf(parseArguments(JSON.stringify(value)));
    expect(of({ content: 'x', file_path: 'a.md' })).toBe('a.md');
    expect(of({ pattern: 'x+', path: 'src' })).toBe('x+ · src');
    expect(of({ ms: 5 })).toBe('ms: 5');
    expect(of({})).toBe('');
  });
  it('shows what is no object as it came', () => {
    expect(summaryOf(parseArguments('{broken'))).toBe('{broken');
    expect(parseArguments('[1]').values).toBeUndefined();
  });
});

describe('slash commands', () => {
  const all = ['new', 'model', 'mode', 'code-review'].map(name => ({ name, takes: '', description: '' }));
  it('are told from messages', () => {
    expect(parseSlash('/model  ollama/x ')).toEqual({ name: 'model', rest: 'ollama/x' });
    expect(parseSlash('/new')).toEqual({ name: 'new', rest: '' });
    for (const text of ['new', '/usr/bin/x', '/', '/ new', 'a /new', '/New']) expect(parseSlash(text), text).toBeUndefined();
  });
  it('are offered while their name is typed', () => {
    expect(suggestions('/mo', all).map(one => one.name)).toEqual(['model', 'mode']);
    expect(suggestions('/review', all).map(one => one.name)).toEqual(['code-review']);
    expect(suggestions('/model x', all)).toEqual([]);
    expect(suggestions('x', all)).toEqual([]);
  });
});
