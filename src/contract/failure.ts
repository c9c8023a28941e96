// What kind of failure it was that an agent threw, and so what follows from it: one classification for the errors of all SDKs,
// made while the error is still an object. Known by shape, never by class, so that no SDK is imported. Of an error only the kind,
// a status, a code and a time are kept: errors of SDKs hold prompts (`requestBodyValues`), and those are never copied.
import { toErrorJson } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import { type ErrorJson, withData } from './outcome.ts';
import { headerOf, parseWait, saidWait, windowWait } from './retry-after.ts';

const KINDS = [
  'permanent',
  'account',
  'throttled',
  'overloaded',
  'transient',
  'unknown',
  'cancelled',
  'incomplete',
] as const;

/**
 * - `permanent`: this input fails the same way again (a 400, a filter, a context too long). Never retried.
 * - `account`: money, key or permission; everything on that account fails until a person acts. Never retried.
 * - `throttled`: too fast for a limit. Waits, and uses up no attempt.
 * - `overloaded`: they cannot serve anybody now. Retried later than others.
 * - `transient`: it was not done, and may well be the next time. Retried.
 * - `unknown`: nobody knows whether it was done; perhaps it was paid. Retried.
 * - `cancelled`: by the signal that the agent was given.
 * - `incomplete`: an answer that ended early, or none. Retried.
 */
export type FailureKind = (typeof KINDS)[number];

/** What is known of a failure; at an asker it is `data.failure` of the error. */
export interface Failure {
  readonly kind: FailureKind;
  /** How long the other side asked to wait, in ms from then. Absent: it did not say. */
  readonly retryAfterMs?: number;
  /** Of the HTTP answer. */
  readonly status?: number;
  /** The provider's word for it: `insufficient_quota`. */
  readonly code?: string;
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** The words of providers and of the network. Where several are said the first in this order counts. */
const CODES: readonly (readonly [FailureKind, ReadonlySet<string>])[] = [
  [
    'account',
    words(`insufficient_quota credit_balance_exhausted billing_error enforced_spend_limit_reached
      organization_spend_limit_exceeded project_spend_limit_exceeded organization_usage_limit_exceeded
      invalid_api_key authentication_error permission_error google.UNAUTHENTICATED google.PERMISSION_DENIED`),
  ],
  [
    'permanent',
    words(`context_length_exceeded invalid_prompt content_filter content_policy_violation request_too_large
      model_not_found not_found_error OUTPUT_INVALID
      google.INVALID_ARGUMENT google.NOT_FOUND google.FAILED_PRECONDITION`),
  ],
  ['overloaded', words('server_is_overloaded overloaded_error google.UNAVAILABLE')],
  [
    'throttled',
    words(`rate_limit_exceeded rate_limit_error rate_limited slow_down quota_exceeded
      google.RESOURCE_EXHAUSTED`),
  ],
  // Before the request was written.
  ['transient', words('ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH UND_ERR_CONNECT_TIMEOUT')],
  [
    'unknown',
    words(`ECONNRESET EPIPE ETIMEDOUT UND_ERR_SOCKET UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT
      AGENT_TIMEOUT WORKER_DIED google.DEADLINE_EXCEEDED`),
  ],
  ['transient', words('server_error api_error google.INTERNAL google.ABORTED')],
];

/** Of errors that carry neither status nor code. Those of `openai` are all named 'Error'; their classes are not. */
const NAMES: Readonly<Record<string, FailureKind>> = {
  APIConnectionTimeoutError: 'unknown',
  APIConnectionError: 'unknown',
  APIUserAbortError: 'unknown',
  AbortError: 'unknown',
  TimeoutError: 'unknown',
  RequestTimeoutError: 'unknown',
  AI_NoOutputGeneratedError: 'incomplete',
  AI_InvalidResponseDataError: 'incomplete',
};

/** Where there is nothing else: a limit that a customer of Anthropic set is an ordinary 400. */
const SPEND_LIMIT = /You have reached your specified API usage limits/;
/** A model of Gemini that the plan does not have. */
const NO_QUOTA = /\blimit: 0\b/;
/** A quota of a day comes back tomorrow, whatever delay is said beside it. */
const DAILY_MS = 3_600_000;
const PARSED_UP_TO = 65_536;
const MAX_DEPTH = 5;

/** What is known beside the error itself. */
export interface FailureFacts {
  /** Epoch ms: dates in headers count from it. */
  readonly now: number;
  /** The one that the agent was given. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What kind of failure this is; undefined where nothing in it says so, and then it is retried. Knows the errors of `openai`,
 * `ai`, `@anthropic-ai/sdk`, `@google/genai` and `@mistralai/mistralai`, a `Response` of `fetch`, what hangs on another error as its
 * `cause` or `response`, and what `throttled`, `permanent` and `failure` make. Never throws.
 */
export function classifyFailure(thrown: unknown, { now, signal }: FailureFacts): Failure | undefined {
  try {
    if (signal?.aborted === true) {
      const { code } = recordOf(signal.reason);
      return code === 'AGENT_TIMEOUT' ? { kind: 'unknown', code } : { kind: 'cancelled' };
    }
    if (recordOf(thrown)['retryable'] === false) return { kind: 'permanent' };
    const chain = chainOf(thrown, 0);
    // Said by an agent, or found out where it came from: an agent may pass on how another actor ended.
    const said = chain.map(
      (one) => parseFailure(one['failure']) ?? parseFailure(recordOf(one['data'])['failure']),
    );
    return said.find(Boolean) ?? classify(chain, now);
  } catch {
    // A getter of its own, or a revoked proxy.
    return undefined;
  }
}

type Loose = Readonly<Record<string, unknown>>;

function recordOf(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {};
}

/** The error and what it was made of, the outer one first. A `RetryError` of `ai` has the last of its errors apart. */
function chainOf(value: unknown, depth: number): readonly Loose[] {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return [];
  const own = value as Loose;
  const inner = own['lastError'] ?? own['cause'];
  return [own, ...chainOf(inner, depth + 1), ...chainOf(own['response'], depth + 1)];
}

function classify(chain: readonly Loose[], now: number): Failure | undefined {
  const bodies = chain.flatMap(bodiesOf);
  const codes = [...chain, ...bodies].flatMap(codesOf);
  const status = chain.map(statusOf).find((one) => one !== undefined);
  const headers = chain.map((one) => one['headers'] ?? one['responseHeaders']).filter(Boolean);
  const known = byCode(codes) ?? bySpendLimit(status, codes, [...chain, ...bodies]);
  const kind = known?.kind ?? byStatus(status, headers) ?? byName(chain, codes);
  if (kind === undefined) return undefined;
  const quota = kind === 'throttled' ? quotaOf(bodies) : undefined;
  if (quota === 'none') return { kind: 'permanent', ...statusAnd(status, known?.code) };
  const retryAfterMs = waitOf(kind, headers, bodies, now);
  const atLeast = quota === 'daily' || known?.code === 'quota_exceeded' ? DAILY_MS : 0;
  const wait = Math.max(retryAfterMs ?? 0, atLeast);
  return { kind, ...(wait > 0 ? { retryAfterMs: wait } : {}), ...statusAnd(status, known?.code) };
}

/** Google says in the body which quota it was, and not in the status. */
function quotaOf(bodies: readonly Loose[]): 'none' | 'daily' | undefined {
  const violations = bodies.flatMap(detailsOf).flatMap((detail) => {
    const { violations: some } = detail;
    return Array.isArray(some) ? some.map(recordOf) : [];
  });
  const isNone = ({ message, status }: Loose): boolean =>
    status === 'RESOURCE_EXHAUSTED' && typeof message === 'string' && NO_QUOTA.test(message);
  if (bodies.some(isNone) || violations.some((one) => one['quotaValue'] === '0')) return 'none';
  const isDaily = ({ quotaId }: Loose): boolean => typeof quotaId === 'string' && quotaId.includes('PerDay');
  return violations.some(isDaily) ? 'daily' : undefined;
}

function statusAnd(status: number | undefined, code: string | undefined): Pick<Failure, 'status' | 'code'> {
  return { ...(status === undefined ? {} : { status }), ...(code === undefined ? {} : { code }) };
}

function waitOf(
  kind: FailureKind,
  headers: readonly unknown[],
  bodies: readonly Loose[],
  now: number,
): number | undefined {
  if (kind === 'permanent') return undefined;
  const delays = bodies.flatMap(detailsOf).map((detail) => detail['retryDelay']);
  const said = Math.max(0, ...[...headers, undefined].map((one) => saidWait(one, delays, now) ?? 0));
  if (said > 0) return said;
  if (kind !== 'throttled') return undefined;
  return Math.max(0, ...headers.map((one) => windowWait(one, now) ?? 0));
}

function statusOf(error: Loose): number | undefined {
  const status = error['status'] ?? error['statusCode'];
  return typeof status === 'number' && status >= 400 && status < 600 ? status : undefined;
}

/** The answer's body as the SDKs keep it, each with its inner `error`. Google's is a text, in the message. */
function bodiesOf(error: Loose): readonly Loose[] {
  const { message } = error;
  const isGoogle = statusOf(error) !== undefined && typeof message === 'string' && /^\s*[[{]/.test(message);
  const texts = [error['responseBody'], error['body'], isGoogle ? message : undefined].map(parseText);
  return [error['error'], error['data'], ...texts].flatMap((given) => {
    const body = recordOf(Array.isArray(given) ? given[0] : given);
    return 'error' in body ? [body, recordOf(body['error'])] : [body];
  });
}

function parseText(text: unknown): unknown {
  if (typeof text !== 'string') return text;
  try {
    return text.length > PARSED_UP_TO ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function detailsOf({ details }: Loose): readonly Loose[] {
  return Array.isArray(details) ? details.map(recordOf) : [];
}

function codesOf(of: Loose): readonly string[] {
  const { code, type, errorCode, status, details } = of;
  const google = typeof status === 'string' ? `google.${status}` : undefined;
  const all = [code, type, errorCode, google, recordOf(details)['error_code']];
  return all.filter((one) => typeof one === 'string');
}

interface Known {
  readonly kind: FailureKind;
  readonly code: string;
}

function byCode(codes: readonly string[]): Known | undefined {
  for (const [kind, known] of CODES) {
    const code = codes.find((one) => known.has(one));
    if (code !== undefined) return { kind, code };
  }
  return undefined;
}

function bySpendLimit(
  status: number | undefined,
  codes: readonly string[],
  said: readonly Loose[],
): Known | undefined {
  if (status !== 400 || !codes.includes('invalid_request_error')) return undefined;
  const isReached = said.some(({ message }) => typeof message === 'string' && SPEND_LIMIT.test(message));
  return isReached ? { kind: 'account', code: 'invalid_request_error' } : undefined;
}

function byStatus(status: number | undefined, headers: readonly unknown[]): FailureKind | undefined {
  if (status === undefined) return undefined;
  if (status === 401 || status === 402 || status === 403) return 'account';
  if (status < 500 && ![408, 409, 425, 429].includes(status)) return 'permanent';
  // They know better than the number says.
  if (headers.some((one) => headerOf(one, 'x-should-retry') === 'false')) return 'permanent';
  if (status === 429) return 'throttled';
  return status === 503 || status === 529 ? 'overloaded' : 'transient';
}

/** What says it least clearly comes last. */
function byName(chain: readonly Loose[], codes: readonly string[]): FailureKind | undefined {
  const isFinal =
    codes.includes('invalid_request_error') || chain.some((one) => one['isRetryable'] === false);
  if (isFinal) return 'permanent';
  const known = chain
    .flatMap((one) => [one['name'], (one.constructor as { readonly name?: unknown } | undefined)?.name])
    .find((name) => typeof name === 'string' && Object.hasOwn(NAMES, name));
  if (typeof known === 'string') return NAMES[known];
  return codes.some((code) => code.startsWith('UND_ERR_')) ? 'unknown' : undefined;
}

const MAX_CODE_LENGTH = 64;

/** As it was thrown or has travelled; undefined for anything else. */
function parseFailure(value: unknown): Failure | undefined {
  const { kind, retryAfterMs, status, code } = recordOf(value);
  const known = KINDS.find((one) => one === kind);
  if (known === undefined) return undefined;
  const wait = typeof retryAfterMs === 'number' ? (parseWait(Math.ceil(retryAfterMs), 'ms', 0) ?? 0) : 0;
  return {
    kind: known,
    ...(wait > 0 ? { retryAfterMs: wait } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof code === 'string' && code.length <= MAX_CODE_LENGTH ? { code } : {}),
  };
}

/** Anything that an agent threw, as data, with what kind of failure it was: `data.failure`. */
export function toTaskError(thrown: unknown, facts: FailureFacts): ErrorJson {
  const known = classifyFailure(thrown, facts);
  const error = isAnswer(thrown)
    ? { code: 'TASK_FAILED', message: `HTTP ${thrown.status} ${thrown.statusText}`.trim() }
    : toErrorJson(thrown, 'TASK_FAILED');
  return known === undefined ? error : withData(error, { failure: known as JsonObject & Failure });
}

/** A `Response` says nothing of itself as JSON. */
function isAnswer(thrown: unknown): thrown is { readonly status: number; readonly statusText: string } {
  const { status, statusText, message } = recordOf(thrown);
  return typeof status === 'number' && typeof statusText === 'string' && message === undefined;
}

/** Of an error that has travelled. */
export function failureOf({ data }: ErrorJson): Failure | undefined {
  const { failure: known, retryable } = recordOf(data);
  return parseFailure(known) ?? (retryable === false ? { kind: 'permanent' } : undefined);
}

// What an agent throws to say it itself.

/** What `failure`, `throttled` and `permanent` are told. */
export interface FailureOptions {
  /** What happened, for people and for the asker. */
  readonly message?: string;
  /** How long the other side asked to wait, in ms. Absent or 0: it did not say. */
  readonly retryAfterMs?: number;
  readonly status?: number;
  /** Of your own, for the asker; else TASK_FAILED. */
  readonly code?: string;
  /** More for the asker. */
  readonly data?: Json;
  readonly cause?: unknown;
}

/** An error that says what follows from it. */
export interface AgentFailure extends Error {
  readonly failure: Failure;
}

/**
 * An error of that kind, for an agent to throw.
 *
 * @example
 * throw failure('unknown', { message: 'the stream was cut', cause: error });
 */
export function failure(
  kind: Exclude<FailureKind, 'cancelled'>,
  { message, cause, retryAfterMs, status, code, data }: FailureOptions = {},
): AgentFailure {
  const known = parseFailure({ kind, retryAfterMs, status, code }) ?? { kind };
  const when = known.retryAfterMs === undefined ? '' : `: again after ${known.retryAfterMs} ms`;
  return Object.assign(new Error(message ?? `${kind}${when}`, cause === undefined ? undefined : { cause }), {
    name: 'AgentFailure',
    failure: known,
    ...(code === undefined ? {} : { code }),
    ...(data === undefined ? {} : { data }),
  });
}

/**
 * Too fast for a limit: the task waits and uses up no attempt.
 *
 * @example
 * if (response.status === 429) throw throttled({ retryAfterMs: 1_000 * Number(response.headers.get('retry-after')) });
 */
export function throttled(options: FailureOptions = {}): AgentFailure {
  return failure('throttled', options);
}

/**
 * This input fails the same way again: the task fails at once. `retryable: false` on any error says the same.
 *
 * @example
 * throw permanent({ message: 'the document has no text' });
 */
export function permanent(options: FailureOptions = {}): AgentFailure {
  return failure('permanent', options);
}
