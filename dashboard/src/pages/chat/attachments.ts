// Files that go along with a message: of the person's own machine, or of the workspace.

export interface Attached {
  key: number;
  name: string;
  bytes: number;
  path?: string;   // of the workspace
  data?: string;   // base64, of the machine
  image?: string;  // an address of this page for its picture
}

export const kAttachedMax = 20;
export const kBytesMax = 20_000_000;
let next = 1;

async function base64(file: Blob): Promise<string> {
  const address = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(new Error('The file cannot be read.'));
    reader.readAsDataURL(file);
  });
  return address.slice(address.indexOf(',') + 1);
}

// Errors: an Error with a sentence.
export async function attach(file: File, already: readonly Attached[]): Promise<Attached> {
  if (already.length >= kAttachedMax) throw new Error(`At most ${kAttachedMax} files go along with a message.`);
  if (already.reduce((sum, one) => sum + one.bytes, 0) + file.size > kBytesMax)
    throw new Error(`${file.name} is too large: files of a message may have ${kBytesMax / 1e6} MB together. Put it into the workspace and name its path instead.`);
  return {
    key: next++,
    name: file.name || 'picture.png',
    bytes: file.size,
    data: await base64(file),
    image: /^image\/(png|jpeg|gif|webp)$/.test(file.type) ? URL.createObjectURL(file) : undefined,
  };
}

export function attachPath(path: string): Attached {
  return { key: next++, name: path, path, bytes: 0 };
}

export function release(files: readonly Attached[]): void {
  for (const file of files) if (file.image) URL.revokeObjectURL(file.image);
}

// As RunStart takes them.
export function toSend(files: readonly Attached[]): object[] {
  return files.map(file => (file.path ? { path: file.path } : { name: file.name, data: file.data }));
}
