// What providers answer, as the errors that their SDKs make of it: openai 7.59, ai 7.0, @anthropic-ai/sdk 1.14, @google/genai 3.3
// and @mistralai/mistralai 2.7, run against a server of ours and written down here field by field.
import { describe, expect, it } from 'vitest';
import { fromErrorJson } from '../../../src/contract/errors.ts';
import {
  classifyFailure,
  type Failure,
  failure,
  failureOf,
  permanent,
  throttled,
  toTaskError,
} from '../../../src/contract/failure.ts';
import type { Json } from '../../../src/contract/json.ts';

const NOW = Date.UTC(2026, 10, 30, 12, 0, 0);
const PROMPT = 'the secret prompt';

interface Answer {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Record<string, string>;
}

interface Body {
  readonly error?: { readonly [name: string]: unknown };
}

class RateLimitError extends Error {}
class APIConnectionError extends Error {}
class APIConnectionTimeoutError extends APIConnectionError {}

function openai({ status, body, headers }: Answer): Error {
  const { error = {} } = (body ?? {}) as Body;
  const { code, param, type } = error;
  const fields = { status, headers: new Headers(headers), requestID: null, error, code, param, type };
  return Object.assign(new RateLimitError(`${status} ${String(error['message'])}`), fields);
}

function anthropic({ status, body, headers }: Answer): Error {
  const { error = {} } = (body ?? {}) as Body;
  const details = error['details'] as { readonly error_code?: string } | undefined;
  return Object.assign(new Error(`${status} ${JSON.stringify(body)}`), {
    name: 'RateLimitError',
    status,
    headers: new Headers(headers),
    error: body,
    apiMessage: error['message'],
    type: error['type'],
    errorCode: details?.error_code ?? null,
    details: details ?? null,
  });
}

function genai({ status, body }: Answer): Error {
  return Object.assign(new Error(JSON.stringify(body)), { name: 'ApiError', status });
}

function mistral({ status, body, headers }: Answer): Error {
  const text = JSON.stringify(body);
  return Object.assign(new Error(`API error occurred: Status ${status}. Body: ${text}`), {
    name: 'SDKError',
    statusCode: status,
    body: text,
    headers: new Headers(headers),
    rawResponse: new Response(null, { status }),
  });
}

function apiCall({ status, body, headers }: Answer): Error {
  return Object.assign(new Error('Rate limit reached'), {
    name: 'AI_APICallError',
    url: 'http://x',
    statusCode: status,
    responseHeaders: headers ?? {},
    responseBody: JSON.stringify(body),
    data: body,
    isRetryable: status === 429 || status >= 500,
    requestBodyValues: { model: 'm', messages: [{ role: 'user', content: PROMPT }] },
  });
}

function retried(answer: Answer): Error {
  const [first, last] = [apiCall({ status: 500 }), apiCall(answer)];
  const fields = {
    name: 'AI_RetryError',
    reason: 'maxRetriesExceeded',
    errors: [first, last],
    lastError: last,
  };
  return Object.assign(new Error('Failed after 2 attempts'), fields);
}

function response({ status, headers }: Answer): Response {
  return new Response(null, { status, headers: headers ?? {} });
}

const SDKS = { openai, anthropic, genai, mistral, apiCall, retried, response };
const said = (code: string | null, type: string, more: Json = {}): Json => ({
  error: { message: 'so it is', type, param: null, code, ...(more as object) },
});
const claude = (type: string, more: Json = {}): Json => ({
  type: 'error',
  error: { type, message: 'so it is', ...(more as object) },
});
const gemini = (
  details: readonly Json[],
  message = 'Quota exceeded',
  code = 429,
  status = 'RESOURCE_EXHAUSTED',
) => ({ error: { code, message, status, details } }) as Json;
const quota = (quotaId: string, more: Json = {}): Json => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [{ quotaMetric: 'm', quotaId, ...(more as object) }],
});
const delay = (retryDelay: string): Json => ({
  '@type': 'type.googleapis.com/google.rpc.RetryInfo',
  retryDelay,
});
const after = (seconds: number): Record<string, string> => ({ 'retry-after': String(seconds) });

type Row = readonly [string, readonly (keyof typeof SDKS)[], Answer, Failure];
const OPENAI = ['openai', 'apiCall', 'retried'] as const;

const ROWS: readonly Row[] = [
  [
    'OpenAI: too many requests or tokens',
    OPENAI,
    { status: 429, body: said('rate_limit_exceeded', 'tokens'), headers: after(7) },
    { kind: 'throttled', retryAfterMs: 7_000, status: 429, code: 'rate_limit_exceeded' },
  ],
  [
    'OpenAI: the same with the windows alone',
    OPENAI,
    {
      status: 429,
      body: said('rate_limit_exceeded', 'requests'),
      headers: { 'x-ratelimit-reset-requests': '6m0s' },
    },
    { kind: 'throttled', retryAfterMs: 360_000, status: 429, code: 'rate_limit_exceeded' },
  ],
  [
    'OpenAI: growing too fast',
    OPENAI,
    { status: 503, body: said('slow_down', 'rate_limit_error') },
    { kind: 'throttled', status: 503, code: 'slow_down' },
  ],
  ...[
    'insufficient_quota',
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
  ].map(
    (code): Row => [
      `OpenAI: no money, ${code}`,
      OPENAI,
      { status: 429, body: said(code, 'insufficient_quota') },
      { kind: 'account', status: 429, code },
    ],
  ),
  [
    'OpenAI: overloaded',
    OPENAI,
    { status: 503, body: said('server_is_overloaded', 'server_error') },
    { kind: 'overloaded', status: 503, code: 'server_is_overloaded' },
  ],
  ...[408, 409, 500, 502].map(
    (status): Row => [
      `a ${status}`,
      ['openai', 'anthropic', 'apiCall', 'mistral', 'response'],
      { status },
      { kind: 'transient', status },
    ],
  ),
  [
    'a 503',
    ['openai', 'apiCall', 'response'],
    { status: 503, headers: after(3) },
    { kind: 'overloaded', retryAfterMs: 3_000, status: 503 },
  ],
  ...['context_length_exceeded', 'invalid_prompt', 'content_filter'].map(
    (code): Row => [
      `OpenAI: ${code}`,
      OPENAI,
      { status: 400, body: said(code, 'invalid_request_error') },
      { kind: 'permanent', status: 400, code },
    ],
  ),
  ...[400, 404, 413, 422].map(
    (status): Row => [
      `a ${status}`,
      ['openai', 'apiCall', 'mistral', 'response'],
      { status },
      { kind: 'permanent', status },
    ],
  ),
  ...[401, 402, 403].map(
    (status): Row => [
      `a ${status}: key, money, gateway`,
      ['openai', 'apiCall', 'mistral', 'response'],
      { status },
      { kind: 'account', status },
    ],
  ),
  [
    'Azure: its body has the number as its code',
    OPENAI,
    { status: 429, body: said('429', ''), headers: { 'retry-after-ms': '37250', 'retry-after': '37' } },
    { kind: 'throttled', retryAfterMs: 37_250, status: 429 },
  ],
  [
    'Azure: told from its own quota by the text alone, so it waits as well',
    OPENAI,
    { status: 429, body: said('429', '', { message: 'System is experiencing high demand' }) },
    { kind: 'throttled', status: 429 },
  ],
  [
    'a header that says that it is in vain',
    ['openai', 'apiCall', 'response'],
    { status: 500, headers: { 'x-should-retry': 'false' } },
    { kind: 'permanent', status: 500 },
  ],
  [
    'Anthropic: too fast',
    ['anthropic', 'apiCall', 'retried'],
    { status: 429, body: claude('rate_limit_error'), headers: after(120) },
    { kind: 'throttled', retryAfterMs: 120_000, status: 429, code: 'rate_limit_error' },
  ],
  [
    'Anthropic: the month’s cap',
    ['anthropic', 'apiCall', 'retried'],
    {
      status: 429,
      body: claude('rate_limit_error', { details: { error_code: 'enforced_spend_limit_reached' } }),
    },
    { kind: 'account', status: 429, code: 'enforced_spend_limit_reached' },
  ],
  [
    'Anthropic: a limit of one’s own, a plain 400',
    ['anthropic', 'apiCall', 'retried'],
    {
      status: 400,
      body: claude('invalid_request_error', { message: 'You have reached your specified API usage limits.' }),
    },
    { kind: 'account', status: 400, code: 'invalid_request_error' },
  ],
  [
    'Anthropic: any other 400',
    ['anthropic', 'apiCall'],
    { status: 400, body: claude('invalid_request_error') },
    { kind: 'permanent', status: 400 },
  ],
  [
    'Anthropic: overloaded',
    ['anthropic', 'apiCall'],
    { status: 529, body: claude('overloaded_error') },
    { kind: 'overloaded', status: 529, code: 'overloaded_error' },
  ],
  [
    'Anthropic: its own fault',
    ['anthropic', 'apiCall'],
    { status: 500, body: claude('api_error') },
    { kind: 'transient', status: 500, code: 'api_error' },
  ],
  [
    'Anthropic: no credit',
    ['anthropic', 'apiCall'],
    { status: 402, body: claude('billing_error') },
    { kind: 'account', status: 402, code: 'billing_error' },
  ],
  [
    'Anthropic: too large',
    ['anthropic', 'apiCall'],
    { status: 413, body: claude('request_too_large') },
    { kind: 'permanent', status: 413, code: 'request_too_large' },
  ],
  [
    'Gemini: of a minute',
    ['genai', 'apiCall'],
    {
      status: 429,
      body: gemini([quota('GenerateRequestsPerMinutePerProjectPerModel-FreeTier'), delay('46s')]),
    },
    { kind: 'throttled', retryAfterMs: 46_000, status: 429, code: 'google.RESOURCE_EXHAUSTED' },
  ],
  [
    'Gemini: of a day',
    ['genai', 'apiCall'],
    { status: 429, body: gemini([quota('GenerateRequestsPerDayPerProjectPerModel'), delay('9h54m')]) },
    { kind: 'throttled', retryAfterMs: 35_640_000, status: 429, code: 'google.RESOURCE_EXHAUSTED' },
  ],
  [
    'Gemini: of a day, with the delay of a minute beside it',
    ['genai'],
    { status: 429, body: gemini([quota('GenerateRequestsPerDayPerProjectPerModel'), delay('12s')]) },
    { kind: 'throttled', retryAfterMs: 3_600_000, status: 429, code: 'google.RESOURCE_EXHAUSTED' },
  ],
  [
    'Gemini: no quota for that model',
    ['genai', 'apiCall'],
    {
      status: 429,
      body: gemini([quota('GenerateRequestsPerMinute'), delay('46s')], 'Quota exceeded for m, limit: 0'),
    },
    { kind: 'permanent', status: 429, code: 'google.RESOURCE_EXHAUSTED' },
  ],
  [
    'Gemini: overloaded',
    ['genai'],
    { status: 503, body: gemini([], 'overloaded', 503, 'UNAVAILABLE') },
    { kind: 'overloaded', status: 503, code: 'google.UNAVAILABLE' },
  ],
  [
    'Mistral: too fast',
    ['mistral'],
    {
      status: 429,
      body: { message: 'Too many requests', type: 'rate_limited', code: '1300' },
      headers: { 'Retry-After': '7' },
    },
    { kind: 'throttled', retryAfterMs: 7_000, status: 429, code: 'rate_limited' },
  ],
  [
    'fetch: too fast',
    ['response', 'openai', 'mistral'],
    { status: 429, headers: after(2) },
    { kind: 'throttled', retryAfterMs: 2_000, status: 429 },
  ],
  [
    'fetch: a 0 is no time',
    ['response', 'openai'],
    { status: 429, headers: after(0) },
    { kind: 'throttled', status: 429 },
  ],
];

const closed = Object.assign(new Error('other side closed'), { name: 'SocketError', code: 'UND_ERR_SOCKET' });
const refused = Object.assign(new Error('connect ECONNREFUSED'), {
  code: 'ECONNREFUSED',
  syscall: 'connect',
});
const fetchFailed = (cause: Error): Error => new TypeError('fetch failed', { cause });

describe('an answer of a provider', () => {
  it.each(
    ROWS.flatMap(([title, sdks, answer, known]) => sdks.map((sdk) => [title, sdk, answer, known] as const)),
  )('%s (%s)', (_title, sdk, answer, known) => {
    expect(classifyFailure(SDKS[sdk](answer), { now: NOW })).toEqual(known);
    const wrapped = [
      new Error('x', { cause: SDKS[sdk](answer) }),
      { message: 'x', response: SDKS[sdk](answer) },
    ];
    for (const one of wrapped) expect(classifyFailure(one, { now: NOW })).toEqual(known);
  });

  it.each<[string, unknown, Failure | undefined]>([
    [
      'a connection that was refused',
      new APIConnectionError('Connection error.', { cause: fetchFailed(refused) }),
      { kind: 'transient', code: 'ECONNREFUSED' },
    ],
    [
      'one that was cut',
      new APIConnectionError('Connection error.', { cause: fetchFailed(closed) }),
      { kind: 'unknown', code: 'UND_ERR_SOCKET' },
    ],
    [
      'one that was cut, as fetch says it',
      new TypeError('terminated', { cause: closed }),
      { kind: 'unknown', code: 'UND_ERR_SOCKET' },
    ],
    [
      'an answer of 200 that was cut, as ai says it',
      Object.assign(apiCall({ status: 200 }), { cause: new TypeError('terminated', { cause: closed }) }),
      { kind: 'unknown', code: 'UND_ERR_SOCKET' },
    ],
    [
      'a time-out of openai, whose errors have no name',
      new APIConnectionTimeoutError('Request timed out.'),
      { kind: 'unknown' },
    ],
    [
      'a time-out of Mistral',
      Object.assign(new Error('x'), { name: 'RequestTimeoutError' }),
      { kind: 'unknown' },
    ],
    ['a time-out of one’s own', new DOMException('late', 'TimeoutError'), { kind: 'unknown' }],
    [
      'an error inside a stream of openai',
      Object.assign(new Error('x'), { status: undefined, code: 'rate_limit_exceeded' }),
      { kind: 'throttled', code: 'rate_limit_exceeded' },
    ],
    [
      'one that says that it is final',
      Object.assign(new Error('x'), { name: 'StreamProviderError', isRetryable: false }),
      { kind: 'permanent' },
    ],
    [
      'a stream without an answer',
      Object.assign(new Error('x'), { name: 'AI_NoOutputGeneratedError' }),
      { kind: 'incomplete' },
    ],
    ['an error of nobody’s', new Error('why'), undefined],
    ['an exit status', Object.assign(new Error('exit'), { status: 128, code: 1 }), undefined],
    ['a code that only Google has', Object.assign(new Error('x'), { code: 'INTERNAL' }), undefined],
    ['a text', 'a 429', undefined],
    ['undefined', undefined, undefined],
    ['what has no prototype', Object.assign(Object.create(null) as object, { a: 1 }), undefined],
    ['a revoked proxy', revoked(), undefined],
    ['a circle', circle(), undefined],
  ])('or none: %s', (_title, thrown, known) => {
    expect(classifyFailure(thrown, { now: NOW })).toEqual(known);
  });
});

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function circle(): Error {
  const error = new Error('x');
  error.cause = error;
  return error;
}

describe('the order of what says it', () => {
  it('is: the own signal, before what came of it', () => {
    const answer = openai({ status: 429, body: said('insufficient_quota', 'insufficient_quota') });
    const cancelled = AbortSignal.abort(Object.assign(new Error('x'), { code: 'TASK_CANCELLED' }));
    const late = AbortSignal.abort(Object.assign(new Error('x'), { code: 'AGENT_TIMEOUT' }));
    expect(classifyFailure(answer, { now: NOW, signal: cancelled })).toEqual({ kind: 'cancelled' });
    expect(classifyFailure(answer, { now: NOW, signal: late })).toMatchObject({ kind: 'unknown' });
    expect(classifyFailure(answer, { now: NOW, signal: new AbortController().signal })).toMatchObject({
      kind: 'account',
    });
  });

  it('is: what the agent says itself, before what its cause says', () => {
    const cause = openai({ status: 400 });
    expect(classifyFailure(throttled({ retryAfterMs: 5, cause }), { now: NOW })).toEqual({
      kind: 'throttled',
      retryAfterMs: 5,
    });
    const final = Object.assign(openai({ status: 429 }), { retryable: false });
    expect(classifyFailure(final, { now: NOW })).toEqual({ kind: 'permanent' });
  });
});

describe('what an agent throws itself', () => {
  it.each([
    [
      throttled({ retryAfterMs: 1_200.5 }),
      { kind: 'throttled', retryAfterMs: 1_201 },
      'throttled: again after 1201 ms',
    ],
    [throttled({ retryAfterMs: 0 }), { kind: 'throttled' }, 'throttled'],
    [throttled({ retryAfterMs: Number.NaN }), { kind: 'throttled' }, 'throttled'],
    [throttled({ retryAfterMs: -5 }), { kind: 'throttled' }, 'throttled'],
    [permanent({ message: 'no text' }), { kind: 'permanent' }, 'no text'],
    [
      failure('account', { status: 402, code: 'NO_MONEY' }),
      { kind: 'account', status: 402, code: 'NO_MONEY' },
      'account',
    ],
    [failure('incomplete', { data: { got: 3 } }), { kind: 'incomplete' }, 'incomplete'],
  ])('is data that survives a thread and a wire: %#', (thrown, known, message) => {
    const error = JSON.parse(JSON.stringify(toTaskError(thrown, { now: NOW })));
    expect(error).toMatchObject({ message, name: 'AgentFailure', data: { failure: known } });
    expect(failureOf(error)).toEqual(known);
  });

  it('is kept where another agent passes it on', () => {
    const first = toTaskError(permanent({ message: 'no text' }), { now: NOW });
    const passedOn = fromErrorJson(first);
    for (const thrown of [passedOn, new Error('the child failed', { cause: passedOn })])
      expect(failureOf(toTaskError(thrown, { now: NOW }))).toEqual({ kind: 'permanent' });
  });

  it('keeps its code and its data for the asker', () => {
    expect(toTaskError(permanent({ code: 'NO_TEXT', data: { page: 3 } }), { now: NOW })).toMatchObject({
      code: 'NO_TEXT',
      data: { page: 3, failure: { kind: 'permanent', code: 'NO_TEXT' } },
    });
  });

  it('may be an answer as it came', () => {
    const thrown = new Response('x', { status: 429, statusText: 'Too Many Requests', headers: after(2) });
    expect(toTaskError(thrown, { now: NOW })).toEqual({
      code: 'TASK_FAILED',
      message: 'HTTP 429 Too Many Requests',
      data: { failure: { kind: 'throttled', retryAfterMs: 2_000, status: 429 } },
    });
  });
});

describe('an error that has travelled', () => {
  it.each<[unknown, Failure | undefined]>([
    [{ retryable: false }, { kind: 'permanent' }],
    [{ failure: { kind: 'gone' } }, undefined],
    [{ failure: 'permanent' }, undefined],
    [{ failure: { kind: 'throttled', retryAfterMs: 'x', code: 'y'.repeat(100) } }, { kind: 'throttled' }],
    [undefined, undefined],
  ])('with data %j', (data, known) => {
    expect(failureOf({ code: 'C', message: 'm', data: data as Json })).toEqual(known);
  });
});

it.each([apiCall, retried])('a prompt is never kept: %o', (make) => {
  const answer = { status: 429, body: said('rate_limit_exceeded', 'tokens') };
  for (const thrown of [make(answer), new Error('x', { cause: make(answer) })])
    expect(JSON.stringify(toTaskError(thrown, { now: NOW }))).not.toContain(PROMPT);
});
