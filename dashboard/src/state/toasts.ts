// Short messages at the page's edge, told to screen readers as well.

import { shallowReactive } from 'vue';

import { sentenceOf } from '../api/http';

export interface Toast {
  id: number;
  tone: 'info' | 'error';
  text: string;
  act?: { label: string; run: () => void };
}

export const toasts = shallowReactive<Toast[]>([]);
const kShownMs = 6_000;
let next = 1;

export function dismiss(id: number): void {
  const at = toasts.findIndex(toast => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

export function inform(text: string, act?: Toast['act']): void {
  const id = next++;
  toasts.push({ id, tone: 'info', text, act });
  setTimeout(() => dismiss(id), kShownMs);
}

// Stays until it is dismissed.
export function complain(error: unknown): void {
  const text = sentenceOf(error);
  if (toasts.some(toast => toast.tone === 'error' && toast.text === text)) return;
  toasts.push({ id: next++, tone: 'error', text });
}

// Does it, and says what went wrong if it does not work. Whether it worked.
export async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}
