// The runs that are under way, in all processes of the workspace. A session's log alone does not
// tell: a run whose process was killed has no end in it until the session goes on.

import { shallowRef } from 'vue';

import { api } from '../api/http';
import { on } from '../api/live';

export const liveRuns = shallowRef<ReadonlySet<string>>(new Set());

let changes = 0;  // told by the stream

// Again where the stream told something meanwhile: the answer may be older than that.
async function load(): Promise<void> {
  for (;;) {
    const before = changes;
    const { runs } = await api.get<{ runs: { run: string }[] }>('/api/v1/runs');
    if (before !== changes) continue;
    liveRuns.value = new Set(runs.map(one => one.run));
    return;
  }
}

export function followRuns(): void {
  on('attached', () => void load().catch(() => {}));
  on('event', event => {
    const runs = new Set(liveRuns.value);
    if (event.kind === 'run_started') runs.add(event.run);
    else if (event.kind === 'run_ended') runs.delete(event.of || event.run);
    else return;
    liveRuns.value = runs;
    changes += 1;
  });
}
