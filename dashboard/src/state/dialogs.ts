// Questions of the page itself (not of a run): "Delete it?", "Another name?". One at a time.

import { shallowRef } from 'vue';

export interface PageQuestion {
  title: string;
  text?: string;
  accept: string;             // what the button says
  danger?: boolean;
  input?: { label: string; value: string; placeholder?: string };
  answer: (value: string | undefined) => void;
}

export const pageQuestion = shallowRef<PageQuestion>();

function ask(question: Omit<PageQuestion, 'answer'>): Promise<string | undefined> {
  pageQuestion.value?.answer(undefined);
  return new Promise(resolve => {
    pageQuestion.value = {
      ...question,
      answer: value => {
        pageQuestion.value = undefined;
        resolve(value);
      },
    };
  });
}

export async function confirm(title: string, text: string, accept: string): Promise<boolean> {
  return (await ask({ title, text, accept, danger: true })) !== undefined;
}

// The text, or undefined when the person left it.
export async function prompt(
  title: string,
  label: string,
  value = '',
  accept = 'Save',
  text = '',
): Promise<string | undefined> {
  return ask({ title, text, accept, input: { label, value } });
}
