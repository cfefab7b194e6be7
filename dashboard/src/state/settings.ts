// The server's settings and models, as all pages need them.

import { shallowRef } from 'vue';

import { api } from '../api/http';
import { on } from '../api/live';
import type { Models, Settings, Skill, Tool } from '../api/types';
import { nameWorkspace } from './attention';
import { wantedTheme } from './theme';

export const settings = shallowRef<Settings>();
export const models = shallowRef<Models>();
export const skills = shallowRef<Skill[]>([]);
export const tools = shallowRef<Tool[]>([]);
export const toolsLoaded = shallowRef(false);

export function settingOf(key: string): unknown {
  return settings.value?.settings.find(one => one.key === key)?.value;
}

function showTheme(): void {
  const theme = settingOf('appearance.theme');
  wantedTheme.value = theme === 'light' || theme === 'dark' ? theme : 'system';
}

export async function loadSettings(): Promise<void> {
  settings.value = await api.get<Settings>('/api/v1/settings');
  nameWorkspace(settings.value.workspace);
  showTheme();
}

export async function loadModels(probe = false): Promise<void> {
  models.value = await api.get<Models>(`/api/v1/models?probe=${probe}`);
}

export async function loadSkills(): Promise<void> {
  skills.value = (await api.get<{ skills: Skill[] }>('/api/v1/skills')).skills;
}

export async function loadTools(): Promise<void> {
  tools.value = (await api.get<{ tools: Tool[] }>('/api/v1/tools')).tools;
  toolsLoaded.value = true;
}

// Writes settings; null takes one back. The file that was written.
export async function change(values: Record<string, unknown>): Promise<string> {
  const { wrote } = await api.patch<{ wrote: string }>('/api/v1/settings', values);
  await loadSettings();
  return wrote;
}

export function followSettings(): void {
  const quietly = (load: () => Promise<void>) => () => void load().catch(() => {});
  on('attached', quietly(loadSettings));
  on('settings', quietly(loadSettings));
  on('attached', quietly(() => loadModels()));
  on('settings', quietly(() => loadModels(models.value?.providers.some(one => one.state !== 'unknown'))));
  on('attached', quietly(loadSkills));
  on('skills', quietly(loadSkills));
  on('tools', quietly(loadTools));
}
