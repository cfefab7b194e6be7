// What a person does to a session and its runs. All of it goes to the server; what comes of it
// comes back as events.

import { ref, type Ref } from 'vue';

import { api, ApiError } from '../../api/http';
import type { Mode, Settled } from '../../api/types';
import { liveRuns } from '../../state/live_runs';
import { plural } from '../../state/text';
import { attempt, complain, inform } from '../../state/toasts';
import { toSend, type Attached } from './attachments';

export interface RunWanted {
  prompt?: string;
  skill?: string;
  arguments?: string;
  session?: string;
  model?: string;
  mode?: Mode;
  files?: readonly Attached[];
}

export function useActs(session: Ref<string>) {
  const sending = ref(false);
  const stoppedRun = ref('');  // the run that a person has asked to stop
  const diff = ref('');
  const diffOpen = ref(false);

  // The session it runs in, or undefined when it did not start; the person has been told why.
  async function start({ files, ...request }: RunWanted): Promise<string | undefined> {
    sending.value = true;
    try {
      const body = { ...request, ...(files?.length ? { attachments: toSend(files) } : {}) };
      return (await api.post<{ session: string }>('/api/v1/runs', body)).session;
    } catch (error) {
      complain(error);
      return undefined;
    } finally {
      sending.value = false;
    }
  }

  async function stop(run: string): Promise<void> {
    if (!run) return;
    stoppedRun.value = run;
    try {
      await api.post(`/api/v1/runs/${run}/cancel`);
    } catch (error) {
      stoppedRun.value = '';
      // It has ended meanwhile: what was wanted.
      const ended = error instanceof ApiError && (error.status === 404 || !liveRuns.value.has(run));
      if (!ended) complain(error);
    }
  }

  async function settle(act: 'undo' | 'redo', count?: number): Promise<void> {
    await attempt(async () => {
      const { settled, conflicts } = await api.post<Settled>(
        `/api/v1/sessions/${session.value}/${act}`, count ? { count } : {});
      const files = settled.flatMap(one => one.files);
      const changed = files.filter(file => file.outcome !== 'conflict').length;
      if (!settled.length) inform(act === 'undo' ? 'There is nothing to undo.' : 'There is nothing to redo.');
      else if (conflicts)
        complain(new Error(
          files.filter(file => file.outcome === 'conflict').map(file => `${file.path}: ${file.reason}`).join('\n')));
      else
        inform(
          `${act === 'undo' ? 'Undone' : 'Redone'}: ${plural(changed, 'file')}.`,
          act === 'undo' ? { label: 'Redo', run: () => void settle('redo', count) } : undefined);
    });
  }

  async function showDiff(): Promise<void> {
    await attempt(async () => {
      diff.value = (await api.get<{ diff: string }>(`/api/v1/sessions/${session.value}/diff`)).diff;
      diffOpen.value = true;
    });
  }

  return {
    sending,
    stoppedRun,
    start,
    stop,
    undo: (count?: number) => settle('undo', count),
    redo: (count?: number) => settle('redo', count),
    diff,
    diffOpen,
    showDiff,
  };
}
