// Requests to the server this page came from. Errors are ApiError with the server's own sentence.
// The token lives in this page's memory; after a reload, or when the server was started anew, it is
// asked for again: the server gives one to the user it runs as. With an administrator's password a
// person signs in, and that token stays for the tab.

import { ref } from 'vue';

export class ApiError extends Error {
  constructor(
    readonly status: number,  // 0: there was no answer
    readonly code: string,
    message: string,
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

// What a person reads of anything that was thrown.
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const kTokenKey = 'boxagnts.token';
// true: the server wants a name and a password, and the page shows the form.
export const signInWanted = ref(false);
let token = '';
let asking: Promise<void> | undefined;

function takeTokenOfAddress(): void {
  const given = /^#token=([\w-]+)$/.exec(location.hash);
  if (given?.[1]) {
    token = given[1];
    history.replaceState(null, '', location.pathname + '#/chat');
  } else {
    token = sessionStorage.getItem(kTokenKey) ?? '';
  }
}

async function errorOf(response: { status: number; text(): string | Promise<string> }): Promise<ApiError> {
  let code = 'unavailable';
  let message = `The server answered with status ${response.status}.`;
  let retryAfterMs = 0;
  try {
    const body = JSON.parse(await response.text());
    code = body.error.code;
    message = body.error.message;
    retryAfterMs = body.error.retry_after_ms ?? 0;
  } catch {
    // Not in our shape: a proxy's answer. The status stands.
  }
  return new ApiError(response.status, code, message, retryAfterMs);
}

async function send(method: string, path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token) headers.set('Authorization', `Bearer ${token}`);
  try {
    return await fetch(path, { ...init, method, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unavailable', 'The server does not answer. Is it still running?');
  }
}

async function askForToken(body: object): Promise<void> {
  token = '';
  const response = await send('POST', '/api/v1/auth/token', {
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw await errorOf(response);
  token = (await response.json()).token;
}

// Of the user of this machine. Many requests that find the token void ask once.
async function renewToken(): Promise<void> {
  asking ??= askForToken({}).finally(() => (asking = undefined));
  try {
    await asking;
    signInWanted.value = false;
  } catch (error) {
    if (error instanceof ApiError && error.status !== 0) {
      sessionStorage.removeItem(kTokenKey);
      signInWanted.value = true;
    }
    throw error;
  }
}

export async function signIn(user: string, password: string): Promise<void> {
  await askForToken({ user, password });
  sessionStorage.setItem(kTokenKey, token);
  signInWanted.value = false;
}

takeTokenOfAddress();

// One request with the token; asks for a new one where it is void.
export async function request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  if (!token) await renewToken();
  let response = await send(method, path, init);
  if (response.status === 401) {
    await renewToken();
    response = await send(method, path, init);
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  return (await request(method, path, init)).json();
}

export const api = {
  get: <T>(path: string) => json<T>('GET', path),
  post: <T>(path: string, body: unknown = {}) => json<T>('POST', path, body),
  put: <T>(path: string, body: unknown) => json<T>('PUT', path, body),
  patch: <T>(path: string, body: unknown) => json<T>('PATCH', path, body),
  delete: <T>(path: string) => json<T>('DELETE', path),
};

function sendFile(path: string, body: Blob, headers: Record<string, string>, told: (bytes: number) => void,
                  signal?: AbortSignal): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    const sent = new XMLHttpRequest();
    sent.open('PUT', path);
    for (const [name, value] of Object.entries(headers)) sent.setRequestHeader(name, value);
    sent.setRequestHeader('Authorization', `Bearer ${token}`);
    sent.upload.onprogress = event => told(event.loaded);
    sent.onload = () => resolve(sent);
    sent.onerror = () => reject(new ApiError(0, 'unavailable', 'The server does not answer. Is it still running?'));
    sent.onabort = () => reject(new DOMException('left by the person', 'AbortError'));
    signal?.addEventListener('abort', () => sent.abort());
    sent.send(body);
  });
}

// PUTs a file, telling how many of its bytes are on their way: what fetch does not tell.
export async function upload<T>(path: string, body: Blob, headers: Record<string, string>,
                                told: (bytes: number) => void, signal?: AbortSignal): Promise<T> {
  if (!token) await renewToken();
  let answer = await sendFile(path, body, headers, told, signal);
  if (answer.status === 401) {
    await renewToken();
    answer = await sendFile(path, body, headers, told, signal);
  }
  if (answer.status < 200 || answer.status > 299)
    throw await errorOf({ status: answer.status, text: () => answer.responseText });
  return JSON.parse(answer.responseText);
}

// "a b&c" -> "?path=a%20b%26c"; undefined values are left out.
export function query(values: Record<string, string | number | boolean | undefined>): string {
  const parts = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return parts.length ? '?' + parts.join('&') : '';
}

// An address that works once, for what the browser itself downloads.
export async function ticketFor(path: string): Promise<string> {
  return (await api.post<{ url: string }>('/api/v1/auth/tickets', { path })).url;
}

export async function download(path: string, name = ''): Promise<void> {
  const link = document.createElement('a');
  link.href = await ticketFor(path);
  link.download = name;
  link.click();
}
