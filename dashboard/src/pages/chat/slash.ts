// Slash commands of the composer: what there is, and which fit what is typed. Pure.

export interface SlashCommand {
  name: string;         // without the slash
  takes: string;        // "" or what follows it
  description: string;
}

export interface SlashCall {
  name: string;
  rest: string;
}

// "/model ollama/x" -> model, "ollama/x". Absent: it is no command but a message.
export function parseSlash(text: string): SlashCall | undefined {
  const found = /^\/([a-z][a-z0-9-]*)(?:\s+([\s\S]*))?$/.exec(text.trim());
  return found ? { name: found[1]!, rest: (found[2] ?? '').trim() } : undefined;
}

// While the command's name is being typed.
export function suggestions(text: string, all: readonly SlashCommand[]): SlashCommand[] {
  const found = /^\/([a-z0-9-]*)$/.exec(text);
  if (!found) return [];
  const typed = found[1]!;
  const begins = all.filter(one => one.name.startsWith(typed));
  const holds = all.filter(one => !one.name.startsWith(typed) && typed.length > 1 && one.name.includes(typed));
  return [...begins, ...holds];
}
