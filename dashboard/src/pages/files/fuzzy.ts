// Which path a few letters mean. Pure.

export interface Found {
  path: string;
  score: number;
}

// Every letter in its order; better where they stand together, begin a word, or are in the name.
// undefined: it is not meant.
export function scoreOf(path: string, wanted: string): number | undefined {
  const text = path.toLowerCase();
  const name = path.lastIndexOf('/') + 1;
  const whole = text.indexOf(wanted, name);
  if (whole >= 0) return 2000 - (whole - name) - path.length / 100 + (whole === name ? 200 : 0);
  let score = 0;
  let from = 0;
  let before = -2;
  for (const letter of wanted) {
    const at = text.indexOf(letter, from);
    if (at < 0) return undefined;
    if (at === before + 1) score += 10;
    if (at === 0 || /[/_.\- ]/.test(text[at - 1]!)) score += 8;
    if (at >= name) score += 4;
    before = at;
    from = at + 1;
  }
  return score - path.length / 100;
}

export function bestOf(paths: readonly string[], typed: string, count: number): string[] {
  const wanted = typed.toLowerCase().replace(/\s+/g, '');
  if (!wanted) return paths.slice(0, count);
  const found: Found[] = [];
  for (const path of paths) {
    const score = scoreOf(path, wanted);
    if (score !== undefined) found.push({ path, score });
  }
  found.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
  return found.slice(0, count).map(one => one.path);
}
