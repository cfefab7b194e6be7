// A tool call in a few words. Pure.

export interface CallArguments {
  values?: Record<string, unknown>;  // absent: what the model wrote is no object
  raw: string;
}

export function parseArguments(text: string): CallArguments {
  try {
    const values: unknown = JSON.parse(text);
    if (values && typeof values === 'object' && !Array.isArray(values))
      return { values: values as Record<string, unknown>, raw: text };
  } catch {
    // Shown as it came.
  }
  return { raw: text };
}

// What a call is about comes first; the names are those of the built-in tools' schemas.
const kTelling = ['file_path', 'path', 'pattern', 'url', 'command', 'query', 'skill', 'tool', 'question', 'message', 'name'];

export function summaryOf({ values, raw }: CallArguments): string {
  if (!values) return raw.slice(0, 200);
  const parts: string[] = [];
  for (const name of ['pattern', ...kTelling]) {
    const value = values[name];
    if (typeof value === 'string' && value && !parts.includes(value)) parts.push(value);
    if (parts.length === 2) break;
  }
  if (parts.length === 0) {
    const first = Object.entries(values).find(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
    if (first) parts.push(`${first[0]}: ${first[1]}`);
  }
  return parts.join(' · ').replace(/\s+/g, ' ').slice(0, 200);
}

// An argument's value as people read it: text as it is, the rest as JSON.
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
