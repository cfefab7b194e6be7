// Blobs of the log (diffs, whole results, images) for the chat: a blob never changes, so the newest
// ones stay at hand.

import { request } from '../../api/http';

const kKeptMax = 60;
const kTextMax = 4_000_000;
const texts = new Map<string, Promise<string>>();
const images = new Map<string, Promise<string>>();

function remember<V>(map: Map<string, Promise<V>>, id: string, make: () => Promise<V>, drop: (value: V) => void): Promise<V> {
  let found = map.get(id);
  if (!found) {
    found = make();
    found.catch(() => map.delete(id));
  }
  map.delete(id);
  map.set(id, found);
  if (map.size > kKeptMax) {
    const [oldest, value] = map.entries().next().value!;
    map.delete(oldest);
    value.then(drop, () => {});
  }
  return found;
}

export function blobText(id: string): Promise<string> {
  return remember(texts, id, async () => {
    const bytes = await (await request('GET', `/api/v1/blobs/${id}`)).arrayBuffer();
    const text = new TextDecoder().decode(bytes.byteLength > kTextMax ? bytes.slice(0, kTextMax) : bytes);
    return bytes.byteLength > kTextMax ? `${text}\n… and ${bytes.byteLength - kTextMax} more bytes` : text;
  }, () => {});
}

// An address of this page for an image.
export function blobImage(id: string): Promise<string> {
  return remember(
    images,
    id,
    async () => URL.createObjectURL(await (await request('GET', `/api/v1/blobs/${id}`)).blob()),
    address => URL.revokeObjectURL(address),
  );
}
