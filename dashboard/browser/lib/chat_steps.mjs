// What the cases of several files do with the chat.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

// The name of a model that plays this script (docs/scripted-model.md).
export function script(server, text, name = 'model') {
  const path = join(server.home, `${name}.yaml`);
  writeFileSync(path, text);
  return `scripted/${path}`;
}

export const box = page => page.getByRole('textbox', { name: 'Message' });

export async function say(page, text) {
  await box(page).fill(text);
  await box(page).press('Enter');
}

// A message that this model answers, in this mode.
export async function send(page, model, text, mode = 'edits') {
  await say(page, `/model ${model}`);
  await say(page, `/mode ${mode}`);
  await say(page, text);
}

// The run is over: its last line stands there. `count` runs in this conversation.
export async function ended(page, count = 1) {
  await page.locator('.run-end').nth(count - 1).waitFor();
  await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
}

export const call = (page, tool) => page.getByRole('article', { name: `Tool call ${tool}` });

// By the file, what stands in the conversation: its items as text, in order.
export async function sessionOf(page) {
  return /#\/chat\/([\w-]+)/.exec(page.url())?.[1];
}

export async function eventsOf(server, session) {
  return (await server.api('GET', `/api/v1/sessions/${session}/events?limit=1000`)).events;
}
