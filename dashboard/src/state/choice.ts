// One of a list that the arrow keys go through, round and round, and that stays in sight.

import { nextTick, ref, type Ref } from 'vue';

// `count`: how many there are now. `list`: the element whose children they are.
export function useChoice(count: () => number, list: Readonly<Ref<HTMLElement | null>>) {
  const at = ref(0);
  function move(by: number): void {
    const all = count();
    if (!all) return;
    at.value = (at.value + by + all) % all;
    void nextTick(() => list.value?.children[at.value]?.scrollIntoView({ block: 'nearest' }));
  }
  return { at, move };
}
