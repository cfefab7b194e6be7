import { expect, test } from 'vitest';

import { changeBetween, decodePiece, decodeText, encodeText, lineEndOf } from './text_file';

const bytes = (text: string) => new TextEncoder().encode(text);

test('what is saved unchanged is byte for byte what was read', () => {
  for (const text of ['', 'a', 'a\n', 'a\r\nb\r\n', 'a\r\nb\n', 'a\rb', '\ufeffa\r\n', '\ufeff\ufeffa', '\n\n', '\r\n', 'é€😀\u202e', 'a\r\r\nb']) {
    const decoded = decodeText(bytes(text))!;
    expect(decoded.readOnly).toBe('');
    expect(encodeText(decoded.text, decoded.format)).toEqual(bytes(text));
  }
});

test('line ends are told apart', () => {
  expect([lineEndOf('a'), lineEndOf('a\n'), lineEndOf('a\r\n'), lineEndOf('a\r\nb\n'), lineEndOf('a\r')])
    .toEqual(['lf', 'lf', 'crlf', 'mixed', 'mixed']);
});

test('a new line in a CRLF file ends as the others do', () => {
  const decoded = decodeText(bytes('a\r\nb\r\n'))!;
  expect(encodeText(decoded.text + 'c\n', decoded.format)).toEqual(bytes('a\r\nb\r\nc\r\n'));
});

test('what is not UTF-8 is shown and cannot be edited', () => {
  const latin = decodeText(new Uint8Array([0x63, 0x61, 0x66, 0xe9]))!;
  expect(latin.text).toBe('café');
  expect(latin.readOnly).toContain('not UTF-8');
  const wide = decodeText(new Uint8Array([0xff, 0xfe, 0x61, 0, 0x0d, 0, 0x0a, 0]))!;
  expect(wide.text).toBe('a\n');
  expect(wide.readOnly).toContain('UTF-16');
  expect(decodeText(new Uint8Array([1, 0, 2]))).toBeUndefined();
});

test('pieces cut anywhere hold only whole characters', () => {
  const all = bytes('aé€😀z');
  for (let from = 0; from <= all.length; ++from)
    for (let to = from; to <= all.length; ++to)
      expect(decodePiece(all.subarray(from, to))).not.toContain('\ufffd');
  expect(decodePiece(all)).toBe('aé€😀z');
});

test('the change between two texts makes one of the other', () => {
  for (const [before, after] of [['', ''], ['a', ''], ['', 'a'], ['aaa', 'aa'], ['abc', 'aXc'], ['ab', 'ba'], ['same', 'same']] as const) {
    const { from, to, insert } = changeBetween(before, after);
    expect(before.slice(0, from) + insert + before.slice(to)).toBe(after);
  }
  expect(changeBetween('one two three', 'one 2 three')).toEqual({ from: 4, to: 7, insert: '2' });
});
