// What traces look like to a backend: an OTLP sink gets the spans of a runtime on a real socket, and the rules of otel/lint hold
// for all of them. Each rule is one that Jaeger's page or its critical path needs (docs/observability.md).
import { setTimeout as sleep } from 'node:timers/promises';
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { criticalPath, type FlatSpan, lintTrace } from '../../../otel/lint.ts';
import type { QuorateClient } from '../../../src/contract/client.ts';
import type { AgentContext, QuorateConfig } from '../../../src/contract/config.ts';
import { traced } from '../../fixtures/apps/cpu.agents.ts';
import { type OtlpSink, startOtlpSink } from '../../kit/otlp-sink.ts';
import { app, startRuntime, type TestRuntime } from '../../kit/runtime.ts';

const SOON = { timeout: 20_000, interval: 100 };

/** Of a caller whose spans go elsewhere. */
const FOREIGN = 'ab'.repeat(16);

let sink: OtlpSink;
let test: TestRuntime<QuorateConfig>;
let client: QuorateClient;
let spans: readonly FlatSpan[] = [];

async function work(input: unknown, { signal, attempt, usage }: AgentContext): Promise<string> {
  const { item = input } = (input ?? {}) as { readonly item?: unknown };
  if (item === 'bad') throw Object.assign(new Error('not to be read'), { code: 'UNREADABLE' });
  if (item === 'unsteady' && attempt === 1) throw Object.assign(new Error('once more'), { code: 'FLAKY' });
  if (item === 'never')
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('told')));
    });
  if (item === 'a') usage({ inputTokens: 1_000, outputTokens: 100, model: 'm' });
  await sleep(30);
  return String(item);
}

function load(): readonly FlatSpan[] {
  spans = sink.spans;
  return spans;
}

const named = (name: string, of?: string): FlatSpan[] =>
  spans.filter((span) => span.name === name && (of === undefined || span.attributes['quorate.actor'] === of));
const only = (name: string, of?: string): FlatSpan => {
  const [span, ...others] = named(name, of);
  if (span === undefined || others.length > 0) throw new Error(`${others.length + 1} spans ${name} of ${of}`);
  return span;
};
const below = (span: FlatSpan): FlatSpan[] =>
  spans.filter(({ traceId, parentSpanId }) => traceId === span.traceId && parentSpanId === span.spanId);
const traceOf = ({ traceId }: FlatSpan): FlatSpan[] => spans.filter((span) => span.traceId === traceId);

/** All of these actors' spans are there once their own is. */
async function ended(...actors: readonly string[]): Promise<void> {
  await expect
    .poll(() => {
      load();
      return actors.filter((actor) => {
        const [type, id] = actor.split('/');
        return named(`actor ${type}`, id === undefined ? undefined : actor).length === 0;
      });
    }, SOON)
    .toEqual([]);
}

beforeAll(async () => {
  sink = await startOtlpSink();
  const machines = Object.fromEntries(
    ['chain', 'gathering', 'waiting', 'family', 'counting', 'carrying'].map((name) => [
      name,
      app('traced.machine.ts', name),
    ]),
  );
  test = await startRuntime({
    machines,
    agents: {
      work: {
        run: work,
        model: 'm',
        concurrency: 10,
        retry: { attempts: 2, backoffMs: 20, maxBackoffMs: 20 },
      },
      loop: { run: traced },
      thread: { module: new URL('../../fixtures/apps/cpu.agents.ts', import.meta.url), export: 'traced' },
    },
    prices: { m: { inputPerMillion: 1, outputPerMillion: 10, at: '2026-11-01' } },
  });
  client = test.runtime.client;
});
afterAll(async () => {
  await test?.[Symbol.asyncDispose]();
  await sink?.[Symbol.asyncDispose]();
});

describe('who waits decides where an actor lies', () => {
  it('run is around the whole wait, with the actor within', async () => {
    await client.run('chain', { id: 'run' });
    await ended('chain/run');
    const call = only('run chain', 'chain/run');
    expect(call.parentSpanId).toBeUndefined();
    expect(only('actor chain', 'chain/run').parentSpanId).toBe(call.spanId);
    // One after the other, each whole and on the critical path, by the ids of their invokes.
    const path = criticalPath(traceOf(call)).map(({ span }) => span.name);
    expect(path.filter((name, at) => name.startsWith('task ') && path[at - 1] !== name).toReversed()).toEqual(
      expect.arrayContaining(['task reading', 'task thinking', 'task writing']),
    );
  });

  it('an actor that is only started is the root of its own trace, both linked', async () => {
    await trace.getTracer('test').startActiveSpan('a request', { kind: SpanKind.SERVER }, async (request) => {
      await client.start('chain', { id: 'alone' });
      request.end();
    });
    await client.result('chain', 'alone');
    await ended('chain/alone');
    const actor = only('actor chain', 'chain/alone');
    const start = only('start chain', 'chain/alone');
    const result = only('result chain', 'chain/alone');
    expect(actor.parentSpanId).toBeUndefined();
    expect(start.parentSpanId).toBe(only('a request').spanId);
    expect(start.links).toMatchObject([{ traceId: actor.traceId, spanId: actor.spanId }]);
    expect(result.links).toMatchObject([{ traceId: actor.traceId, spanId: actor.spanId }]);
    expect(only('actor chain started', 'chain/alone').links).toMatchObject([{ spanId: start.spanId }]);
    expect(result.end - result.start).toBeGreaterThan(0n);
  });

  it('a waiter that gives up is over before its actor, and says so', async () => {
    await expect(
      client.run('gathering', { id: 'long', input: { atLeast: 1, items: ['never'] }, timeoutMs: 300 }),
    ).rejects.toMatchObject({ code: 'RESULT_TIMEOUT' });
    await client.cancel('gathering', 'long');
    await ended('gathering/long');
    const call = only('run gathering', 'gathering/long');
    expect(call).toMatchObject({ failed: true, attributes: { 'error.type': 'RESULT_TIMEOUT' } });
    const actor = only('actor gathering', 'gathering/long');
    expect(actor.parentSpanId).toBe(call.spanId);
    expect(actor.end).toBeGreaterThan(call.end);
  });

  it('an actor whose waiter died is whole without it, and found by its started marker', async () => {
    await client.run('chain', { id: 'orphan' });
    await ended('chain/orphan');
    const call = only('run chain', 'chain/orphan');
    await expect.poll(() => load() && traceOf(call).length, SOON).toBeGreaterThan(10);
    // A process that is killed exports what has ended, and not what it waits in.
    const left = traceOf(call).filter((span) => span !== call);
    expect(lintTrace(left)).toEqual([]);
    expect(left.map(({ name }) => name)).toContain('actor chain started');
  });

  it('query and watch have spans that link to the actor', async () => {
    await client.start('counting', { id: 'seen' });
    await client.query('counting', 'seen');
    for await (const { status } of client.watch('counting', 'seen')) {
      if (status === 'active') await client.send('counting', 'seen', { type: 'end' });
    }
    await ended('counting/seen');
    const { traceId } = only('actor counting', 'counting/seen');
    for (const call of ['query', 'watch'])
      expect(only(`${call} counting`, 'counting/seen').links).toMatchObject([{ traceId }]);
    expect(only('watch counting').attributes['quorate.transitions']).toBeGreaterThanOrEqual(2);
  });
});

describe('why a gather waited, which branch was slow, which attempt failed and why, and what it cost', () => {
  it('is said by its spans', async () => {
    const items = ['a', 'unsteady', 'never'];
    await client.run('gathering', { id: 'mixed', input: { atLeast: 2, items } });
    await ended('gathering/mixed');
    const whole = only('scatter-gather reviews', 'gathering/mixed');
    const [started] = named('scatter reviews started', 'gathering/mixed');
    expect(started?.attributes).toMatchObject({ 'quorate.gather.total': 3, 'quorate.agents': 'work' });
    expect(started?.attributes['quorate.deadline']).toMatch(/^\d{4}-/);
    expect(only('gather reviews', 'gathering/mixed')).toMatchObject({
      parentSpanId: whole.spanId,
      end: whole.end,
      attributes: { 'quorate.gather.ok': 2, 'quorate.gather.missing': 1, 'quorate.gather.total': 3 },
    });
    const branches = below(whole)
      .filter(({ name }) => name === 'task work')
      .toSorted(
        (one, other) => Number(one.attributes['quorate.branch']) - Number(other.attributes['quorate.branch']),
      );
    expect(branches.map(({ attributes }) => attributes['quorate.outcome'])).toEqual([
      'done',
      'done',
      'missing',
    ]);
    const [cheap, unsteady, slow] = branches.map((branch) =>
      below(branch).toSorted((a, b) => Number(a.start - b.start)),
    );
    expect(cheap?.[0]?.attributes).toMatchObject({
      'gen_ai.request.model': 'm',
      'gen_ai.usage.input_tokens': 1_000,
      'quorate.usage.micro_usd': 2_000,
    });
    expect(
      unsteady?.map(({ failed, attributes, message }) => [failed, attributes['error.type'], message]),
    ).toEqual([
      [true, 'FLAKY', 'once more'],
      [false, undefined, undefined],
    ]);
    expect(Number(unsteady?.[1]?.attributes['quorate.queue.wait_ms'])).toBeGreaterThanOrEqual(0);
    await expect.poll(() => load() && below(branches[2] as FlatSpan).length, SOON).toBe(1);
    expect(below(branches[2] as FlatSpan)[0]?.attributes['quorate.outcome']).toBe('cancelled');
    expect(slow).toBeDefined();
    // The branch that decided is on the path, and not one that it did not wait for.
    const path = criticalPath(traceOf(whole)).map(({ span }) => span.spanId);
    expect(path).toContain(branches[1]?.spanId);
    expect(path).not.toContain(branches[2]?.spanId);
  });

  it('a gather that failed is red with its own code', async () => {
    await client.run('gathering', { id: 'poor', input: { atLeast: 2, items: ['bad', 'bad', 'a'] } });
    await ended('gathering/poor');
    for (const name of ['scatter-gather reviews', 'gather reviews'])
      expect(only(name, 'gathering/poor')).toMatchObject({
        failed: true,
        attributes: { 'error.type': 'GATHER_FAILED' },
        message: expect.stringContaining('2 failed'),
      });
    const attempts = named('process agent.work', 'gathering/poor').filter(({ failed }) => failed);
    expect(attempts.map(({ attributes, message }) => [attributes['error.type'], message])).toEqual(
      Array.from({ length: 4 }, () => ['UNREADABLE', 'not to be read']),
    );
  });

  it('a turn says what came and where it led, and is red where the machine threw', async () => {
    await client.start('counting', { id: 'turns' });
    await client.send('counting', 'turns', { type: 'add' });
    await client.send('counting', 'turns', { type: 'boom' });
    await client.send('counting', 'turns', { type: 'end' });
    await client.result('counting', 'turns');
    await ended('counting/turns');
    const turns = named('turn counting', 'counting/turns');
    const events = turns.flatMap(({ attributes }) => String(attributes['quorate.event']).split(','));
    expect(events).toEqual(expect.arrayContaining(['start', 'add', 'boom', 'end']));
    expect(turns.at(-1)?.attributes['quorate.state.to']).toBe('closed');
    const [thrown] = turns.filter(({ failed }) => failed);
    expect(thrown).toMatchObject({
      attributes: { 'error.type': 'MACHINE_THREW' },
      message: expect.stringContaining('the guard threw'),
    });
  });
});

it('baggage and tracestate travel to every agent, and each has the context of its attempt', async () => {
  const incoming = {
    traceparent: `00-${FOREIGN}-${'cd'.repeat(8)}-01`,
    tracestate: 'vendor=x',
    baggage: 'tenant=acme',
  };
  const caller = propagation.extract(ROOT_CONTEXT, incoming);
  const seen = await context.with(caller, () => client.run('carrying', { id: 'c' }));
  await ended('carrying/c', 'carrying.asking');
  const attempts = traceOf(only('run carrying')).filter(({ name }) => /^process (agent|logic)/.test(name));
  expect(attempts).toHaveLength(3);
  for (const one of seen as { headers: Record<string, string>; spanId: string; tenant: string }[]) {
    expect(attempts.map(({ spanId }) => spanId)).toContain(one.spanId);
    expect(one.tenant).toBe('acme');
    expect(one.headers).toEqual({ ...incoming, traceparent: `00-${FOREIGN}-${one.spanId}-01` });
  }
  expect(seen).toHaveLength(3);
});

describe('what comes late', () => {
  it('is a trace of its own, linked to the actor', async () => {
    await client.start('counting', { id: 'gone' });
    await client.send('counting', 'gone', { type: 'end' });
    await client.result('counting', 'gone');
    await client.send('counting', 'gone', { type: 'add' });
    await ended('counting/gone');
    const actor = only('actor counting', 'counting/gone');
    const late = (): FlatSpan[] =>
      named('process actor.counting', 'counting/gone').filter(({ traceId }) => traceId !== actor.traceId);
    await expect.poll(() => load() && late().length, SOON).toBe(1);
    expect(late()[0]).toMatchObject({
      links: expect.arrayContaining([{ traceId: actor.traceId, spanId: actor.spanId }]),
    });
    expect(late()[0]?.parentSpanId).toBeUndefined();
  });

  it('a child that is let go of is over when its parent said so', async () => {
    await client.start('family', { id: 'f' });
    await expect.poll(async () => (await client.query('family', 'f')).value, SOON).toBe('writing');
    const asking = () => load() && named('scatter replies started').length;
    await expect.poll(asking, SOON).toBe(1);
    await client.send('family', 'f', { type: 'leave' });
    await ended('family/f');
    await expect.poll(() => load() && named('actor waiting').length, SOON).toBe(1);
    const [child] = named('actor waiting');
    const parent = only('actor family');
    expect(child).toMatchObject({ traceId: parent.traceId, parentSpanId: parent.spanId });
    expect(child?.end).toBeLessThanOrEqual(parent.end);
  });
});

it('breaks no rule', async () => {
  await client.run('waiting', { id: 'deadline' });
  await ended('waiting/deadline');
  // What was let go of ends by itself, a moment later.
  const open = () => {
    load();
    spans = spans.filter(({ traceId }) => traceId !== FOREIGN);
    const parents = new Set(spans.map(({ spanId }) => spanId));
    return spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !parents.has(parentSpanId))
      .length;
  };
  await expect.poll(open, SOON).toBe(0);
  expect(spans.length).toBeGreaterThan(100);
  expect(lintTrace(spans)).toEqual([]);
});
