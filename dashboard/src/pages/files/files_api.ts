// Requests about files, and what a file turns out to be when it is read.

import { api, ApiError, download, query, request, sentenceOf } from '../../api/http';
import type { BinEntry, FileEntry } from '../../api/types';
import { sentence, visible } from '../../state/text';
import { nameOf } from './paths';
import { decodeText, type TextFormat } from './text_file';

const kFiles = '/api/v1/files';
export const kTextBytesMax = 2_000_000;    // edited in one piece
export const kImageBytesMax = 40_000_000;  // shown
const kLookedBytes = 8_192;

export type Content =
  | { kind: 'text'; text: string; format: TextFormat; readOnly: string }
  | { kind: 'image'; blob: Blob }
  | { kind: 'large' }     // text too long for an editor
  | { kind: 'binary' };

export interface Loaded {
  version: string;
  size: number;
  content: Content;
}

export async function listFolder(path: string): Promise<FileEntry[]> {
  return (await api.get<{ entries: FileEntry[] }>(kFiles + query({ path: path || undefined }))).entries;
}

export function entryOf(path: string): Promise<FileEntry> {
  return api.get<FileEntry>(`${kFiles}/entry` + query({ path }));
}

// undefined: nothing is there.
export async function entryIfAny(path: string): Promise<FileEntry | undefined> {
  try {
    return await entryOf(path);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

export function contentAddress(path: string): string {
  return `${kFiles}/content` + query({ path });
}

export function readContent(path: string, from?: number, bytes?: number): Promise<Response> {
  const range = bytes === undefined ? {} : { headers: { Range: `bytes=${from ?? 0}-${(from ?? 0) + bytes - 1}` } };
  return request('GET', contentAddress(path), { ...range, cache: 'no-store' });
}

const kLinkReadOnly =
  'This is a link to another file. Saving here would put a file in place of the link; open the file it leads to.';

export async function loadFile(path: string, entry: FileEntry): Promise<Loaded> {
  const isLong = entry.size > kTextBytesMax;
  let response = await readContent(path, 0, isLong ? kLookedBytes : undefined);
  const type = response.headers.get('Content-Type') ?? '';
  const version = (response.headers.get('ETag') ?? '').replace(/^(?:W\/)?"|"$/g, '');
  const loaded = (content: Content): Loaded => ({ version, size: entry.size, content });
  if (type.startsWith('image/')) {
    if (entry.size > kImageBytesMax) return loaded({ kind: 'binary' });
    if (isLong) response = await readContent(path);
    return loaded({ kind: 'image', blob: await response.blob() });
  }
  if (isLong) return loaded({ kind: type.startsWith('text/') ? 'large' : 'binary' });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const decoded = decodeText(bytes);
  if (!decoded) return { version, size: bytes.length, content: { kind: 'binary' } };
  const readOnly = decoded.readOnly || (entry.link ? kLinkReadOnly : '');
  return { version, size: bytes.length, content: { kind: 'text', ...decoded, readOnly } };
}

// What must stand there: a version, nothing, or (of a person who saw both) whatever does.
export type Expected = { version: string } | 'nothing';

export function headersFor(expected: Expected): Record<string, string> {
  return expected === 'nothing' ? { 'If-None-Match': '*' } : { 'If-Match': `"${expected.version}"` };
}

export async function writeFile(path: string, bytes: BodyInit, expected: Expected): Promise<FileEntry> {
  const headers = { 'Content-Type': 'application/octet-stream', ...headersFor(expected) };
  return (await request('PUT', contentAddress(path), { body: bytes, headers })).json();
}

export const makeFolder = (path: string) => api.post<FileEntry>(`${kFiles}/folders`, { path });
export const moveEntry = (from: string, to: string) => api.post<FileEntry>(`${kFiles}/move`, { from, to });
export const copyEntry = (from: string, to: string) => api.post<FileEntry>(`${kFiles}/copy`, { from, to });
export const removeEntry = (path: string) => api.delete<BinEntry>(kFiles + query({ path }));
export const listBin = async () => (await api.get<{ entries: BinEntry[] }>(`${kFiles}/bin`)).entries;
export const restoreEntry = (id: string) => api.post<BinEntry>(`${kFiles}/bin/${id}/restore`);
export const purgeEntry = (id: string) => api.delete<object>(`${kFiles}/bin/${id}`);

export function downloadFile(path: string): Promise<void> {
  return download(`${kFiles}/content` + query({ path, download: true }), nameOf(path));
}

export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409;
}
export function isMissing(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

// What a person reads of an error; names of files stand in it.
export function told(error: unknown): string {
  return sentence(visible(sentenceOf(error)));
}
