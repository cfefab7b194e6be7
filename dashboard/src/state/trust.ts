// Whether the person trusts this workspace, and what that changes.

import { ref, shallowRef } from 'vue';

import { api } from '../api/http';

export type TrustWord = 'trusted' | 'untrusted' | 'unasked';
export const trust = ref<TrustWord>();
export const trustWorkspace = shallowRef('');

export async function loadTrust(): Promise<void> {
  const answer = await api.get<{ trust: TrustWord; workspace: string }>('/api/v1/trust');
  trust.value = answer.trust;
  trustWorkspace.value = answer.workspace;
}

// The file that was written.
export async function setTrust(wanted: 'trusted' | 'untrusted'): Promise<string> {
  const { wrote } = await api.put<{ wrote: string }>('/api/v1/trust', { trust: wanted });
  trust.value = wanted;
  return wrote;
}

export const kTrustWords: Record<TrustWord, string> = {
  trusted: 'You trust this workspace',
  untrusted: 'You do not trust this workspace',
  unasked: 'You have not said whether you trust this workspace',
};
