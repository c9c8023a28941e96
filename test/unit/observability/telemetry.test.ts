import {
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIdGenerator } from '../../../otel/id-generator.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import { ATTR, SPAN } from '../../../src/observability/span-names.ts';
import {
  contextOf,
  deriveSpanContext,
  deriveTraceId,
  formatTraceparent,
  inSpan,
  isTracing,
  parseTraceparent,
  recordFailure,
  recordSpan,
  traceNow,
  traceparentOf,
} from '../../../src/observability/telemetry.ts';
import { startRecording, stopRecording } from '../../kit/spans.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SAMPLED = `00-${TRACE}-00f067aa0ba902b7-01`;

describe('traceparent', () => {
  it('is read and written unchanged', () => {
    const parsed = parseTraceparent(SAMPLED);
    expect(parsed).toEqual({ traceId: TRACE, spanId: '00f067aa0ba902b7', traceFlags: 1, isRemote: true });
    expect(parsed && formatTraceparent(parsed)).toBe(SAMPLED);
    expect(traceparentOf(contextOf(SAMPLED))).toBe(SAMPLED);
  });

  it('keeps "not sampled"', () => {
    const unsampled = SAMPLED.replace(/01$/, '00');
    expect(traceparentOf(contextOf(unsampled))).toBe(unsampled);
  });

  it.each([
    ['nothing', undefined],
    ['text', 'x'],
    ['zero trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['zero span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['version ff', SAMPLED.replace(/^00/, 'ff')],
    ['upper case', SAMPLED.toUpperCase()],
    ['a tail without a dash', `${SAMPLED}0`],
  ])('reads %s as no trace', (_, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
    expect(contextOf(text)).toBe(ROOT_CONTEXT);
  });

  it('is nothing for an invalid span', () => {
    expect(traceparentOf(INVALID_SPAN_CONTEXT)).toBeUndefined();
    expect(traceparentOf(ROOT_CONTEXT)).toBeUndefined();
  });
});

describe('deriveSpanContext', () => {
  it('gives the same ids for the same seed, others for another', () => {
    const one = deriveSpanContext('review/1|a|x|0');
    expect(deriveSpanContext('review/1|a|x|0')).toEqual(one);
    expect(deriveSpanContext('review/1|a|x|1').spanId).not.toBe(one.spanId);
    expect(parseTraceparent(formatTraceparent(one))).toMatchObject(one);
  });

  it('takes the trace it is given', () => {
    const traceId = deriveTraceId('review/1');
    expect(deriveSpanContext('a', traceId).traceId).toBe(traceId);
    expect(deriveSpanContext('a', traceId, 0).traceFlags).toBe(0);
  });
});

describe('without an SDK', () => {
  it('passes the trace on', async () => {
    const out = await inSpan('process q', { parent: SAMPLED }, async (span) => traceparentOf(span));
    expect(out).toBe(SAMPLED);
    expect(inSpan('process q', { parent: ROOT_CONTEXT }, (span) => traceparentOf(span))).toBeUndefined();
  });

  it('says so', () => {
    expect(isTracing()).toBe(false);
  });

  it('records nothing and reserves nothing afterwards', () => {
    recordSpan({ name: 'task a', spanContext: deriveSpanContext('a'), startTime: 1, endTime: 2 });
    expect(Reflect.get(globalThis, Symbol.for('quorate.span-ids'))).toBeUndefined();
  });

  it('lets a failure through', async () => {
    await expect(inSpan('x', {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});

describe('with an SDK', () => {
  const exporter = new InMemorySpanExporter();

  beforeEach(() => {
    new NodeSDK({
      autoDetectResources: false,
      idGenerator: createIdGenerator(),
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
      metricReaders: [],
      logRecordProcessors: [],
    }).start();
  });

  afterEach(() => {
    exporter.reset();
    trace.disable();
    context.disable();
    propagation.disable();
  });

  const spanNamed = (name: string) => {
    const span = exporter.getFinishedSpans().find((one) => one.name === name);
    if (span === undefined) throw new Error(`no span ${name}`);
    return span;
  };

  it('says so', () => {
    expect(isTracing()).toBe(true);
  });

  it('hangs a span under its message, and what is inside under the span', async () => {
    await inSpan(
      SPAN.process('actor.review'),
      { kind: SpanKind.CONSUMER, parent: SAMPLED, attributes: { [ATTR.actor]: 'review/1' } },
      async () => {
        await Promise.resolve();
        inSpan(SPAN.turn('review'), {}, () => undefined);
      },
    );
    const outer = spanNamed('process actor.review');
    expect(outer.kind).toBe(SpanKind.CONSUMER);
    expect(outer.attributes).toEqual({ 'quorate.actor': 'review/1' });
    expect(outer.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
    const inner = spanNamed('turn review');
    expect(inner.parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
    expect(inner.spanContext().traceId).toBe(TRACE);
  });

  it.each([
    ['the root', ROOT_CONTEXT],
    ['a message without a trace', undefined],
    ['a traceparent that does not parse', 'rubbish'],
  ])('starts a new trace under %s, whatever is active', (_, parent) => {
    inSpan('outer', {}, () => inSpan('inner', { parent }, () => undefined));
    expect(spanNamed('inner').parentSpanContext).toBeUndefined();
    expect(spanNamed('inner').spanContext().traceId).not.toBe(spanNamed('outer').spanContext().traceId);
  });

  it('records what was thrown, with its code', async () => {
    await expect(
      inSpan('a', {}, () => Promise.reject(new QuorateError('TASK_FAILED', 'three attempts'))),
    ).rejects.toThrow('three attempts');
    expect(() =>
      inSpan('b', {}, () => {
        throw new TypeError('bad');
      }),
    ).toThrow('bad');
    const [a, b] = [spanNamed('a'), spanNamed('b')];
    expect(a.attributes[ATTR.errorType]).toBe('TASK_FAILED');
    expect(a.status).toEqual({ code: SpanStatusCode.ERROR, message: 'three attempts' });
    expect(a.events.map((event) => event.name)).toEqual(['exception']);
    expect(b.attributes[ATTR.errorType]).toBe('TypeError');
  });

  it('marks an outcome that is data as failed, without an exception', () => {
    inSpan('task', {}, (span) => recordFailure(span, { code: 'AGENT_TIMEOUT', message: 'too slow' }));
    expect(spanNamed('task').attributes[ATTR.errorType]).toBe('AGENT_TIMEOUT');
    expect(spanNamed('task').events).toEqual([]);
  });

  it('exports a span afterwards with the ids it was given', () => {
    const parent = deriveSpanContext('review/1', TRACE);
    const own = deriveSpanContext('review/1|x|3', TRACE);
    const linked = deriveSpanContext('reply', TRACE);
    const input = { spanContext: own, parent, startTime: 1_000, endTime: 3_500, kind: SpanKind.INTERNAL };
    recordSpan({
      ...input,
      name: 'task a',
      links: [formatTraceparent(linked), 'rubbish'],
      attributes: { n: 1 },
    });
    const span = spanNamed('task a');
    expect(span.spanContext()).toMatchObject(own);
    expect(span.parentSpanContext).toMatchObject(parent);
    expect(span.startTime).toEqual([1, 0]);
    expect(span.duration).toEqual([2, 500_000_000]);
    expect(span.links.map((link) => link.context.spanId)).toEqual([linked.spanId]);
    expect(span.attributes).toEqual({ n: 1 });
  });

  it('makes a root of a recorded span without a parent, also inside another span', () => {
    const own = deriveSpanContext('root', TRACE);
    inSpan('busy', {}, () => recordSpan({ name: 'actor a', spanContext: own, startTime: 1, endTime: 2 }));
    expect(spanNamed('actor a').spanContext()).toMatchObject(own);
    expect(spanNamed('actor a').parentSpanContext).toBeUndefined();
    expect(spanNamed('busy').spanContext().traceId).not.toBe(TRACE);
  });

  it('gives a span that covers an instant the least duration there is', () => {
    recordSpan({ name: 'gather x', spanContext: deriveSpanContext('g'), startTime: 5_000, endTime: 4_000 });
    expect(spanNamed('gather x').startTime).toEqual([5, 0]);
    expect(spanNamed('gather x').duration).toEqual([0, 1_000]);
  });

  it('records the failure of a recorded span', () => {
    const status = { ok: false, error: { code: 'GATHER_FAILED', message: 'two of five' } } as const;
    recordSpan({ name: 'gather', spanContext: deriveSpanContext('g'), startTime: 1, endTime: 2, status });
    expect(spanNamed('gather').status.code).toBe(SpanStatusCode.ERROR);
  });

  it('exports nothing of a trace that is not sampled', () => {
    const unsampled = SAMPLED.replace(/01$/, '00');
    inSpan('process', { parent: unsampled }, (span) => {
      expect(traceparentOf(span)?.endsWith('-00')).toBe(true);
    });
    recordSpan({ name: 'task', spanContext: deriveSpanContext('t', TRACE, 0), startTime: 1, endTime: 2 });
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('draws random ids for all other spans', () => {
    recordSpan({ name: 'a', spanContext: deriveSpanContext('a'), startTime: 1, endTime: 2 });
    inSpan('b', {}, () => undefined);
    expect(spanNamed('b').spanContext().spanId).not.toBe(spanNamed('a').spanContext().spanId);
  });
});

describe('stamps', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are in µs by the clock of the machine, and no two are equal', () => {
    const before = Date.now();
    const stamps = Array.from({ length: 1_000 }, () => traceNow());
    expect(stamps[0]).toBeGreaterThanOrEqual(before);
    expect(stamps.at(-1)).toBeLessThan(Date.now() + 2);
    for (const [at, stamp] of stamps.entries()) expect(stamp).toBeGreaterThan(stamps[at - 1] ?? 0);
  });

  it('of a span are as they are given, and one that never ends is not exported', () => {
    const exporter = startRecording();
    inSpan('given', { startTime: 1_000.001, endTime: () => 2_000.002 }, () => undefined);
    inSpan('now', { endTime: () => undefined }, () => undefined);
    inSpan('never', { endTime: () => 'never' }, () => undefined);
    const [given, now, ...others] = exporter.getFinishedSpans();
    expect(given).toMatchObject({ startTime: [1, 1_000], endTime: [2, 2_000] });
    expect(now?.name).toBe('now');
    expect(others).toEqual([]);
    stopRecording();
  });

  it('follow a clock that is set forward at once, and one that is set back if it is by more than a second', () => {
    const set = (now: number): number => {
      vi.useFakeTimers({ now, toFake: ['Date'] });
      return traceNow();
    };
    const now = Date.now();
    expect(Math.floor(set(now + 60_000))).toBe(now + 60_000);
    expect(set(now + 59_500)).toBeGreaterThan(now + 60_000);
    expect(Math.floor(set(now))).toBe(now);
  });
});
