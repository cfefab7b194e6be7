// Bytes of a file to text and back, losing nothing: what is saved unchanged is byte for byte what
// was read. Text that cannot be kept so is shown, and not edited. Pure.

// 'mixed': several kinds of line ends; a \r then stays in the text, where the editor shows it.
export type LineEnd = 'lf' | 'crlf' | 'mixed';

export interface TextFormat {
  lineEnd: LineEnd;
  bom: boolean;  // the file begins with a byte order mark
}

export interface DecodedText {
  text: string;       // "\n" between lines
  format: TextFormat;
  readOnly: string;   // why it cannot be saved as it is, or ''
}

export const kPlainFormat: TextFormat = { lineEnd: 'lf', bom: false };

export function sameFormat(a: TextFormat, b: TextFormat): boolean {
  return a.lineEnd === b.lineEnd && a.bom === b.bom;
}

export function lineEndOf(text: string): LineEnd {
  const returns = text.split('\r').length - 1;
  if (returns === 0) return 'lf';
  const pairs = text.split('\r\n').length - 1;
  const newlines = text.split('\n').length - 1;
  return pairs === returns && pairs === newlines ? 'crlf' : 'mixed';
}

function decodedUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function readOnlyText(text: string, encoding: string): DecodedText {
  return {
    text: text.replace(/\r\n?/g, '\n'),
    format: kPlainFormat,
    readOnly: `This file is not UTF-8. It is shown as ${encoding}, and cannot be edited here without changing bytes that were not meant.`,
  };
}

// undefined: no text at all.
export function decodeText(bytes: Uint8Array): DecodedText | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return readOnlyText(new TextDecoder('utf-16le').decode(bytes), 'UTF-16');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return readOnlyText(new TextDecoder('utf-16be').decode(bytes), 'UTF-16');
  if (bytes.includes(0)) return undefined;
  const whole = decodedUtf8(bytes);
  if (whole === undefined) return readOnlyText(new TextDecoder('windows-1252').decode(bytes), 'Windows-1252 (Latin 1)');
  const bom = whole.startsWith('\ufeff');
  const text = bom ? whole.slice(1) : whole;
  const lineEnd = lineEndOf(text);
  return { text: lineEnd === 'crlf' ? text.replaceAll('\r\n', '\n') : text, format: { lineEnd, bom }, readOnly: '' };
}

export function encodeText(text: string, format: TextFormat): Uint8Array<ArrayBuffer> {
  const ends = format.lineEnd === 'crlf' ? text.replaceAll('\n', '\r\n') : text;
  return new TextEncoder().encode((format.bom ? '\ufeff' : '') + ends);
}

// A piece out of the middle of a long file: characters that its edges cut are left to its neighbours.
export function decodePiece(bytes: Uint8Array): string {
  let from = 0;
  while (from < Math.min(3, bytes.length) && (bytes[from]! & 0xc0) === 0x80) ++from;
  let to = bytes.length;
  for (let back = 1; back <= Math.min(4, bytes.length - from); ++back) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > back) to = bytes.length - back;
    break;
  }
  return new TextDecoder('utf-8').decode(bytes.subarray(from, to));
}

// The one stretch in which two texts differ: what an editor replaces, so that the cursor, marks and
// what can be undone stay where nothing changed.
export function changeBetween(before: string, after: string): { from: number; to: number; insert: string } {
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before[from] === after[from]) ++from;
  let tail = 0;
  while (tail < shorter - from && before[before.length - 1 - tail] === after[after.length - 1 - tail]) ++tail;
  return { from, to: before.length - tail, insert: after.slice(from, after.length - tail) };
}
