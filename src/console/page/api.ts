// The console's API as the page calls it: the token in each request, errors with their code and what to do.
import { signal } from '@preact/signals';
import type { Json } from '../../contract/json.ts';
import type { Done } from '../protocol.ts';

const KEY = 'quorate-token';
/** Without the query and the hash: the page may be served under a path of a proxy. */
const BASE = new URL('api/', new URL('.', location.href));

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fix: string | undefined;

  constructor(status: number, code: string, message: string, fix: string | undefined) {
    super(message);
    this.status = status;
    this.code = code;
    this.fix = fix;
  }
}

/** The server wants a token, or another one. */
export const needsToken = signal(false);

/** Takes `#token=…` out of the address, so that it is not sent to others with it. */
export function takeToken(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return;
  setToken(given);
  history.replaceState(null, '', location.pathname + location.search);
}

export function setToken(token: string): void {
  sessionStorage.setItem(KEY, token);
  needsToken.value = false;
}

export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const token = sessionStorage.getItem(KEY);
  const headers = new Headers(init.headers);
  if (token !== null && token !== '') headers.set('authorization', `Bearer ${token}`);
  const response = await fetch(new URL(path, BASE), { ...init, headers }).catch((error: unknown) => {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(
      0,
      'CONNECTION_FAILED',
      'The console does not answer.',
      'See whether its process runs.',
    );
  });
  if (response.ok) return response;
  if (response.status === 401) needsToken.value = true;
  const body = (await response.json().catch(() => ({}))) as {
    error?: { code: string; message: string; fix?: string };
  };
  const { code = `HTTP_${response.status}`, message = response.statusText, fix } = body.error ?? {};
  throw new ApiError(response.status, code, message, fix);
}

export async function get<T>(path: string, stop?: AbortSignal): Promise<T> {
  const response = await call(path, stop === undefined ? {} : { signal: stop });
  return (await response.json()) as T;
}

export async function send(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body: object = {},
): Promise<Done> {
  const response = await call(path, {
    method,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  return (await response.json()) as Done;
}

export function actorPath(address: string): string {
  const at = address.indexOf('/');
  return `actors/${encodeURIComponent(address.slice(0, at))}/${encodeURIComponent(address.slice(at + 1))}`;
}

export function failureText(error: unknown): string {
  if (error instanceof ApiError)
    return `${error.code}: ${error.message}${error.fix === undefined ? '' : ` ${error.fix}`}`;
  return error instanceof Error ? error.message : String(error);
}

export function pretty(value: Json | undefined): string {
  return JSON.stringify(value, null, 2) ?? '';
}
