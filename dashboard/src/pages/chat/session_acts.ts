// What a person does to a session as a whole, in the list and in its own menu.

import { download } from '../../api/http';
import { confirm, prompt } from '../../state/dialogs';
import { go } from '../../state/route';
import { fork, remove, rename } from '../../state/sessions';
import { attempt, inform } from '../../state/toasts';

export async function changeTitle(id: string, title: string): Promise<void> {
  const wanted = await prompt('Rename the session', 'Title', title, 'Rename');
  if (wanted?.trim()) await attempt(() => rename(id, wanted.trim()));
}

// Up to the event of that number; without one, whole.
export async function forkFrom(id: string, number?: number): Promise<void> {
  await attempt(async () => {
    const made = await fork(id, number);
    go('chat', made.id);
    inform('This is the fork; the other session stays as it was.');
  });
}

export function exportSession(id: string): Promise<boolean> {
  return attempt(() => download(`/api/v1/sessions/${id}/export`, `${id}.jsonl`));
}

// Whether it is gone.
export async function dropSession(id: string, question: string): Promise<boolean> {
  const sure = await confirm(
    question,
    'Its messages, results and everything that its undo needs are removed for good. Files stay as they are.',
    'Delete session',
  );
  return sure && attempt(() => remove(id));
}
