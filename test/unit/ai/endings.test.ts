// All ways in which a call of a model ends, against a provider that counts: which failure it is, and that what is reported is what was
// billed, to the token, or where nobody can know it, the reservation, which is at least that, and marked.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { modelAgent } from '../../../src/ai/model-agent.ts';
import type { Failure } from '../../../src/contract/failure.ts';
import { type ModelAnswer, type ModelServer, startModelServer, type Work } from '../../kit/model/server.ts';
import { attempt, type Counts, expectCounted, modelOf, tokensOf } from './kit.ts';

const SECRET = 'the merger of Alpha and Beta is planned for the third of May';
let server: ModelServer;
let work: Work = {};
let fails: ModelAnswer | undefined;

beforeAll(async () => {
  server = await startModelServer({ fail: () => fails, work: () => work });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  work = {};
  fails = undefined;
});

const agentOf = (more: { firstChunkMs?: number; chunkMs?: number } = {}) =>
  modelAgent({ model: modelOf(server), prompt: (text: string) => text, maxOutputTokens: 50, ...more });

type Ending = readonly [
  name: string,
  given: {
    readonly work?: Work;
    readonly fails?: ModelAnswer;
    readonly idle?: { firstChunkMs?: number; chunkMs?: number };
  },
  expected: Partial<Failure> & { readonly error: string },
  counts: Counts,
];

const over = (
  headers: Record<string, string>,
  body: object = { error: { message: 'slow', code: 'rate_limit_exceeded' } },
) => ({
  status: 429,
  headers,
  body,
});
const IN_A_MINUTE = new Date(Date.now() + 60_000).toUTCString();

const ENDINGS: readonly Ending[] = [
  [
    '429 with retry-after-ms',
    { fails: over({ 'retry-after-ms': '1500' }) },
    { error: 'MODEL_REFUSED', kind: 'throttled', retryAfterMs: 1_500 },
    'nothing',
  ],
  [
    '429 with retry-after in seconds',
    { fails: over({ 'retry-after': '120' }) },
    { error: 'MODEL_REFUSED', kind: 'throttled', retryAfterMs: 120_000 },
    'nothing',
  ],
  [
    '429 with retry-after as a date',
    { fails: over({ 'retry-after': IN_A_MINUTE }) },
    { error: 'MODEL_REFUSED', kind: 'throttled' },
    'nothing',
  ],
  [
    '429 with reset as a duration',
    { fails: over({ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1m2s' }) },
    { error: 'MODEL_REFUSED', kind: 'throttled', retryAfterMs: 62_000 },
    'nothing',
  ],
  [
    '429 with retry-after 0',
    { fails: over({ 'retry-after': '0' }) },
    { error: 'MODEL_REFUSED', kind: 'throttled' },
    'nothing',
  ],
  [
    '429 of an account',
    { fails: over({}, { error: { message: 'pay', code: 'insufficient_quota' } }) },
    { error: 'MODEL_REFUSED', kind: 'account', code: 'insufficient_quota' },
    'nothing',
  ],
  [
    '401',
    { fails: { status: 401, body: { error: { message: 'no key', code: 'invalid_api_key' } } } },
    { error: 'MODEL_REFUSED', kind: 'account', status: 401 },
    'nothing',
  ],
  [
    '400, context too long',
    { fails: { status: 400, body: { error: { message: 'too long', code: 'context_length_exceeded' } } } },
    { error: 'MODEL_REFUSED', kind: 'permanent', code: 'context_length_exceeded' },
    'nothing',
  ],
  ['500', { fails: { status: 500 } }, { error: 'MODEL_REFUSED', kind: 'transient', status: 500 }, 'nothing'],
  [
    '503',
    { fails: { status: 503, body: { error: { message: 'full', code: 'server_is_overloaded' } } } },
    { error: 'MODEL_REFUSED', kind: 'overloaded', status: 503 },
    'nothing',
  ],
  ['529', { fails: { status: 529 } }, { error: 'MODEL_REFUSED', kind: 'overloaded', status: 529 }, 'nothing'],
  [
    'dropped without an answer',
    { work: { drops: true } },
    { error: 'MODEL_CUT', kind: 'unknown' },
    'reserved',
  ],
  [
    'cut before the first piece',
    { work: { cutsAfter: 0 } },
    { error: 'MODEL_CUT', kind: 'unknown' },
    'reserved',
  ],
  ['cut in the middle', { work: { cutsAfter: 2 } }, { error: 'MODEL_CUT', kind: 'unknown' }, 'reserved'],
  [
    'ended without a reason',
    { work: { finish: null, isSilent: true } },
    { error: 'MODEL_CUT', kind: 'incomplete' },
    'reserved',
  ],
  [
    'an error instead of the first piece',
    {
      work: {
        failsAfter: { tokens: 0, error: { message: 'slow', type: 'requests', code: 'rate_limit_exceeded' } },
      },
    },
    { error: 'MODEL_REFUSED', kind: 'throttled' },
    'nothing',
  ],
  [
    'an error in the middle',
    { work: { failsAfter: { tokens: 2, error: { message: 'full', code: 'server_is_overloaded' } } } },
    { error: 'MODEL_CUT', kind: 'overloaded' },
    'reserved',
  ],
  [
    'an error with a status as its code',
    { work: { failsAfter: { tokens: 2, error: { message: 'gone', code: 502 } } } },
    { error: 'MODEL_CUT', kind: 'transient', status: 502 },
    'reserved',
  ],
  [
    'silent before an answer',
    { work: { hangs: true }, idle: { firstChunkMs: 30 } },
    { error: 'MODEL_SILENT', kind: 'unknown' },
    'reserved',
  ],
  [
    'silent before the first piece',
    { work: { hangsAfter: 0 }, idle: { firstChunkMs: 30 } },
    { error: 'MODEL_SILENT', kind: 'unknown' },
    'reserved',
  ],
  [
    'silent in the middle',
    { work: { hangsAfter: 2 }, idle: { chunkMs: 30 } },
    { error: 'MODEL_SILENT', kind: 'unknown' },
    'reserved',
  ],
  [
    'filtered',
    { work: { finish: 'content_filter' } },
    { error: 'MODEL_FILTERED', kind: 'permanent', code: 'content_filter' },
    'exact',
  ],
  ['too long', { work: { finish: 'length' } }, { error: 'MODEL_LENGTH', kind: 'permanent' }, 'exact'],
];

it.each(ENDINGS)('%s', async (_name, given, { error: code, ...expected }, counts) => {
  const before = server.calls.length;
  ({ work = {}, fails } = given);
  const { error, output, rows, logged } = await attempt(agentOf(given.idle), SECRET);
  expect(output).toBeUndefined();
  expect(error).toMatchObject({ code, data: { failure: expected } });
  await expect.poll(() => server.calls.length).toBe(before + 1);
  expectCounted(rows, server.calls.at(-1)?.billedTokens, counts);
  // What a model was asked with is in no error and in no log.
  expect(JSON.stringify([error, logged])).not.toContain('merger');
});

it('a whole answer counts what the provider says, with what was cached and thought', async () => {
  work = { text: 'so it is, as far as anybody knows', cachedTokens: 4, reasoningTokens: 2 };
  const { output, rows, streamed } = await attempt(agentOf(), SECRET);
  expect(output).toBe('so it is, as far as anybody knows');
  expect(streamed.map(String).join('')).toBe(output);
  expect(streamed.length).toBeGreaterThan(2);
  expect(rows).toMatchObject([{ model: 'm', calls: 1, cachedInputTokens: 4, reasoningTokens: 2 }]);
  expect([tokensOf(rows), rows[0]?.estimated]).toEqual([server.calls.at(-1)?.billedTokens, undefined]);
});

it('usage that the provider does not tell is the reservation, and never 0', async () => {
  work = { isSilent: true };
  const { output, rows } = await attempt(agentOf(), SECRET);
  expect(output).toBe('w1 w2 w3 ');
  expect(rows).toMatchObject([{ outputTokens: 50, estimated: { outputTokens: 50 } }]);
});

it('an abort before the call costs nothing, in the middle its reservation, behind the end what was used', async () => {
  const before = server.asked.length;
  const first = await attempt(agentOf(), SECRET, { signal: AbortSignal.abort(new Error('no')) });
  expect([server.asked.length, tokensOf(first.rows)]).toEqual([before, 0]);
  expect(first.error?.data).toMatchObject({ failure: { kind: 'cancelled' } });

  work = { hangsAfter: 2 };
  const middle = new AbortController();
  const second = await attempt(agentOf(), SECRET, {
    signal: middle.signal,
    onPiece: ({ length }) => length === 2 && middle.abort(new Error('no')),
  });
  expect(second.error?.data).toMatchObject({ failure: { kind: 'cancelled' } });
  expect(second.rows).toMatchObject([{ calls: 1, outputTokens: 50, estimated: { calls: 1 } }]);
  // The socket is closed, and nothing more is made.
  await expect.poll(() => server.calls.at(-1)).toMatchObject({ end: 'aborted', outputTokens: 2 });

  work = {};
  const late = new AbortController();
  const third = await attempt(agentOf(), SECRET, { signal: late.signal });
  late.abort();
  expect([third.output, tokensOf(third.rows)]).toEqual(['w1 w2 w3 ', server.calls.at(-1)?.billedTokens]);
});

it('the words of a provider that repeat the prompt are left out of the error', async () => {
  fails = { status: 400, body: { error: { message: `cannot read '${SECRET}'`, code: 'bad' } } };
  const echoed = await attempt(agentOf(), SECRET);
  expect(JSON.stringify(echoed.error)).not.toContain('merger');
  fails = { status: 400, body: { error: { message: 'unknown parameter: foo' } } };
  expect((await attempt(agentOf(), SECRET)).error?.message).toContain('unknown parameter: foo');
});

it('a provider that is not there refused nothing that is paid', async () => {
  const gone = await startModelServer();
  await gone[Symbol.asyncDispose]();
  const agent = modelAgent({ model: modelOf(gone), prompt: (text: string) => text });
  const { error, rows } = await attempt(agent, SECRET);
  expect(error).toMatchObject({ code: 'MODEL_REFUSED', data: { failure: { kind: 'transient' } } });
  expect(rows).toEqual([]);
});
