// The time, once a second, while something runs that shows how long.

import { ref, watchEffect } from 'vue';

import { view } from '../../state/open_session';

export const now = ref(Date.now());
let timer: ReturnType<typeof setInterval> | undefined;

watchEffect(() => {
  const running = view.value.run !== '';
  if (running === (timer !== undefined)) return;
  clearInterval(timer);
  timer = running ? setInterval(() => (now.value = Date.now()), 1000) : undefined;
  now.value = Date.now();
});
