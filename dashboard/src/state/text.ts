// Words and figures for people.

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    ++unit;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function durationText(ms: number): string {
  if (ms < 1) return '<1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function countText(count: number): string {
  return count < 10_000 ? String(count) : count < 1e6 ? `${Math.round(count / 1000)}k` : `${(count / 1e6).toFixed(1)}M`;
}

export function plural(count: number, one: string, many = one + 's'): string {
  return `${count} ${count === 1 ? one : many}`;
}

// "14:03", "Tue 14:03", "3 Nov", "3 Nov 2025"
export function timeText(iso: string, now = new Date()): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return '';
  const clock = time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  if (time.toDateString() === now.toDateString()) return clock;
  const days = (now.getTime() - time.getTime()) / 86_400_000;
  if (days < 6) return `${time.toLocaleDateString(undefined, { weekday: 'short' })} ${clock}`;
  return time.toLocaleDateString(undefined, {
    day: 'numeric',
    month: 'short',
    ...(time.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
  });
}

// Characters that a reader does not see, or that turn the order of others around: what they would
// hide is shown in their place. Line ends and tabs stay, and what makes one emoji of several.
const kUnseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]|(?<!\p{Extended_Pictographic}\ufe0f?)\u200d|(?<![\p{Extended_Pictographic}#*0-9])\ufe0f/gu;

function shown(found: string): string {
  const code = found.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
}

// Text of a model, a tool or a file, safe to be read: nothing in it is unseen, and nothing of it is
// left out. What a person agrees to is shown by this.
export function visible(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(kUnseen, shown);
}

// What a program wrote: its colours are left out, and nothing else.
export function visibleOutput(text: string): string {
  return visible(text.replace(/\u001b\[[0-9;:]*m/g, ''));
}

// A message of the server as a sentence of its own.
export function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?\u2026)]$/.test(first) ? first : first + '.';
}

// A name of a file in one line, with nothing left out: two names that differ look different.
export function visibleName(name: string): string {
  return name.replace(/[\u0000-\u001f]/g, found => `\u27e8U+${found.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`)
    .replace(kUnseen, found => visible(found));
}

// A sentence without where the workspace is, where a path begins with that.
export function withoutRoot(text: string, root: string): string {
  if (!root) return text;
  const begins = root.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(`(^|[\\s"'(,])${begins}/`, 'g'), '$1');
}

// A path inside a folder as people say it.
export function within(path: string, root: string): string {
  return path === root ? '.' : path.startsWith(root + '/') ? path.slice(root.length + 1) : path;
}
