// An approval that waits is told beyond the page: in its title, and by a notification of the browser
// where the person allowed that.

import { ref, watch } from 'vue';

import { api } from '../api/http';
import { on } from '../api/live';
import type { Approval, LogEvent } from '../api/types';
import { go } from './route';
import { visible } from './text';

export const waiting = ref<(Approval & { session: string })[]>([]);
export const notifications = ref<NotificationPermission | 'none'>(
  'Notification' in window ? Notification.permission : 'none');
let workspace = '';

let changes = 0;  // told by the stream

// Again where the stream told something meanwhile: the answer may be older than that.
async function load(): Promise<void> {
  for (;;) {
    const before = changes;
    const { questions } = await api.get<{ questions: (LogEvent & Approval)[] }>('/api/v1/questions');
    if (before !== changes) continue;
    waiting.value = questions;
    return;
  }
}

export async function allowNotifications(): Promise<void> {
  if ('Notification' in window) notifications.value = await Notification.requestPermission();
}

function notify(approval: Approval & { session: string }): void {
  if (notifications.value !== 'granted' || document.visibilityState === 'visible') return;
  const shown = new Notification('BoxAgnts asks', { body: visible(approval.question), tag: approval.approval });
  shown.onclick = () => {
    window.focus();
    go('chat', approval.session);
    shown.close();
  };
}

export function nameWorkspace(root: string): void {
  workspace = root.split('/').at(-1) ?? '';
  title();
}

function title(): void {
  const count = waiting.value.filter(one => one.waits).length;
  document.title = (count ? `(${count}) ` : '') + (workspace ? `${workspace} · BoxAgnts` : 'BoxAgnts');
}

export function followQuestions(): void {
  on('attached', () => void load().catch(() => {}));
  on('event', event => {
    if (event.kind === 'approval_asked' || event.kind === 'approval_answered') changes += 1;
    if (event.kind === 'approval_asked') {
      if (!waiting.value.some(one => one.approval === event.approval)) waiting.value = [...waiting.value, event];
      notify(event);
    } else if (event.kind === 'approval_answered') {
      waiting.value = waiting.value.filter(one => one.approval !== event.approval);
    }
  });
  on('session', session => {
    if ('deleted' in session) waiting.value = waiting.value.filter(one => one.session !== session.id);
  });
  watch(waiting, title);
}
