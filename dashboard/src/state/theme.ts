// The theme that the page wears: the setting's, or the system's as it is now.

import { effectScope, shallowRef, watchEffect } from 'vue';

export type Theme = 'light' | 'dark';

const system = window.matchMedia('(prefers-color-scheme: dark)');
const systemTheme = shallowRef<Theme>(system.matches ? 'dark' : 'light');
export const wantedTheme = shallowRef<Theme | 'system'>('system');

system.addEventListener('change', () => (systemTheme.value = system.matches ? 'dark' : 'light'));
effectScope(true).run(() =>
  watchEffect(() => {
    document.documentElement.dataset.theme = wantedTheme.value === 'system' ? systemTheme.value : wantedTheme.value;
  }));
