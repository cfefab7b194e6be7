// Whether long lines are wrapped, in all editors.

import { ref } from 'vue';

export const wrapsLines = ref(matchMedia('(max-width: 760px)').matches);

export function turnWrap(): void {
  wrapsLines.value = !wrapsLines.value;
}
