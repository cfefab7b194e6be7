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
export const skillProblems = shallowRef<string[]>([]);  // of whole places
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

// Servers of models are asked one time after the other: who wants to know while they are being asked
// is told what they say next.
let asking: Promise<void> | undefined;
let askingNext: Promise<void> | undefined;
let probesNext = false;

export function loadModels(probe = false): Promise<void> {
  if (!asking) {
    asking = askModels(probe).finally(() => (asking = undefined));
    return asking;
  }
  probesNext ||= probe;
  askingNext ??= asking.catch(() => {}).then(() => {
    const wanted = probesNext;
    askingNext = undefined;
    probesNext = false;
    return loadModels(wanted);
  });
  return askingNext;
}

async function askModels(probe: boolean): Promise<void> {
  models.value = await api.get<Models>(`/api/v1/models?probe=${probe}`);
}

// What servers said once is asked for again, not forgotten.
function loadModelsAgain(): Promise<void> {
  return loadModels(models.value?.providers.some(one => one.state !== 'unknown') ?? false);
}

export async function loadSkills(): Promise<void> {
  const answer = await api.get<{ skills: Skill[]; problems?: string[] }>('/api/v1/skills');
  skills.value = answer.skills;
  skillProblems.value = answer.problems ?? [];
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
  on('attached', quietly(loadModelsAgain));
  on('settings', quietly(loadModelsAgain));
  on('attached', quietly(loadSkills));
  on('skills', quietly(loadSkills));
  on('tools', quietly(loadTools));
}
