// Tests of models: a tiny question to each, its answer or what went wrong, for as long as the page
// lives.

import { reactive } from 'vue';

import { api, sentenceOf } from '../../api/http';
import type { Usage } from '../../api/types';

export interface ModelTest {
  state: 'asking' | 'ok' | 'failed';
  text: string;        // the answer, or the sentence that says what went wrong
  durationMs: number;
}

type Answer =
  | { ok: true; text: string; duration_ms: number; usage: Usage }
  | { ok: false; error: string; duration_ms: number };

export const modelTests = reactive(new Map<string, ModelTest>());

export async function testModel(model: string): Promise<void> {
  if (modelTests.get(model)?.state === 'asking') return;
  modelTests.set(model, { state: 'asking', text: '', durationMs: 0 });
  try {
    const answer = await api.post<Answer>('/api/v1/models/test', { model });
    modelTests.set(model, {
      state: answer.ok ? 'ok' : 'failed',
      text: answer.ok ? answer.text : answer.error,
      durationMs: answer.duration_ms,
    });
  } catch (error) {
    modelTests.set(model, { state: 'failed', text: sentenceOf(error), durationMs: 0 });
  }
}
