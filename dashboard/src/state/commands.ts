// What the command palette offers. A page registers its own while it is open.

import { onUnmounted, ref, shallowReactive } from 'vue';

export interface Command {
  id: string;
  title: string;
  keys?: string;   // "Ctrl+K", shown; and bound if `bind` is set
  group?: string;
  run: () => void;
}

export const commands = shallowReactive<Command[]>([]);
export const paletteOpen = ref(false);

export function offer(list: Command[]): () => void {
  commands.push(...list);
  return () => {
    for (const command of list) {
      const at = commands.indexOf(command);
      if (at >= 0) commands.splice(at, 1);
    }
  };
}

// In a component's setup.
export function useCommands(list: Command[]): void {
  onUnmounted(offer(list));
}

const kApple = /Mac|iPhone|iPad/.test(navigator.platform);

// "Ctrl+Shift+F" of a key event; Command on a Mac counts as Ctrl.
function keysOf(event: KeyboardEvent): string {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push('Ctrl');
  if (event.altKey) parts.push('Alt');
  if (event.shiftKey) parts.push('Shift');
  parts.push(event.key.length === 1 ? event.key.toUpperCase() : event.key);
  return parts.join('+');
}

export function keysText(keys: string): string {
  return kApple ? keys.replace('Ctrl', '\u2318').replaceAll('+', '') : keys;
}

window.addEventListener('keydown', event => {
  const keys = keysOf(event);
  const command = [...commands].reverse().find(one => one.keys === keys);
  if (!command || event.defaultPrevented) return;
  event.preventDefault();
  command.run();
});
