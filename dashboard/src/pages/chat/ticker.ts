// The time, once a second, while something runs that shows how long.

import { ref, watchEffect } from 'vue';

import { liveRuns } from '../../state/live_runs';

export const now = ref(Date.now());
let timer: ReturnType<typeof setInterval> | undefined;

watchEffect(() => {
  const running = liveRuns.value.size > 0;
  if (running === (timer !== undefined)) return;
  clearInterval(timer);
  timer = running ? setInterval(() => (now.value = Date.now()), 1000) : undefined;
  now.value = Date.now();
});
