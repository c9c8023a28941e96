import { SpanKind } from '@opentelemetry/api';
import { type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, it } from 'vitest';
import {
  CONCURRENT_EXPORTS,
  createDelivery,
  createThrottledWarn,
  MAX_BATCH_SPANS,
  MAX_QUEUED_SPANS,
  WARNING_INTERVAL_MS,
  type WarningKind,
} from '../../../otel/delivery.ts';

type Done = Parameters<SpanExporter['export']>[1];

function setUp(exporter: Pick<SpanExporter, 'export'>, maxQueuedSpans?: number) {
  const warnings: [WarningKind, string][] = [];
  const delivery = createDelivery({
    exporter: { ...exporter, shutdown: async () => undefined },
    destination: 'http://there',
    warn: (kind, message) => warnings.push([kind, message]),
    ...(maxQueuedSpans === undefined ? {} : { maxQueuedSpans }),
    delayMs: 1,
  });
  const provider = new TracerProvider({ spanProcessors: [delivery] });
  const make = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      provider.getTracer('test').startSpan('s', { kind: SpanKind.INTERNAL }).end();
    }
  };
  return { delivery, warnings, provider, make };
}

it('loses none of 20,000 spans that end at once, also when all leave at shutdown', async () => {
  let taken = 0;
  const { delivery, warnings, provider, make } = setUp({
    export: (spans, done) => {
      taken += spans.length;
      setImmediate(() => done({ code: 0 }));
    },
  });
  make(20_000);
  await provider.shutdown();
  expect(taken).toBe(20_000);
  expect(delivery.counts).toEqual({ ended: 20_000, delivered: 20_000, lost: 0, dropped: 0 });
  expect(warnings).toEqual([]);
});

it('never has more exports on their way than the exporter takes', () => {
  expect(MAX_QUEUED_SPANS / MAX_BATCH_SPANS).toBeLessThanOrEqual(CONCURRENT_EXPORTS);
});

it('counts and reports what a full queue drops', async () => {
  const dones: Done[] = [];
  const { delivery, warnings, provider, make } = setUp({ export: (_, done) => void dones.push(done) }, 100);
  // The first hundred are on their way, the second hundred wait, thirty find no room.
  make(230);
  expect(delivery.counts.dropped).toBe(30);
  expect(warnings.every(([kind]) => kind === 'queue')).toBe(true);
  expect(warnings.at(-1)?.[1]).toContain('30 spans dropped');
  const shutdown = provider.shutdown();
  await new Promise(setImmediate);
  for (const done of dones) done({ code: 0 });
  await shutdown;
  expect(delivery.counts).toEqual({ ended: 230, delivered: 200, lost: 0, dropped: 30 });
});

it('has room again once a batch is taken', async () => {
  const dones: Done[] = [];
  const { delivery, provider, make } = setUp({ export: (_, done) => void dones.push(done) }, 10);
  make(10);
  const flushed = provider.forceFlush();
  make(10);
  for (const done of dones) done({ code: 0 });
  await flushed;
  expect(delivery.counts.dropped).toBe(0);
  expect(delivery.counts.delivered).toBe(10);
});

it.each([
  ['answers with a failure', (done: Done) => done({ code: 1, error: new Error('connect ECONNREFUSED') })],
  [
    'answers with an AggregateError',
    (done: Done) => done({ code: 1, error: new AggregateError([new Error('connect ECONNREFUSED')]) }),
  ],
  [
    'throws',
    () => {
      throw new Error('connect ECONNREFUSED');
    },
  ],
])('counts a batch as lost when the exporter %s, and nothing rejects', async (_, fail) => {
  const { delivery, warnings, provider, make } = setUp({ export: (_spans, done) => fail(done) });
  make(3);
  await provider.forceFlush();
  await provider.shutdown();
  expect(delivery.counts).toEqual({ ended: 3, delivered: 0, lost: 3, dropped: 0 });
  expect(warnings).toEqual([
    ['export', '3 spans lost so far, http://there does not take them: connect ECONNREFUSED'],
  ]);
});

//

it('warns once a minute for each kind, and says how many it held back', () => {
  const lines: string[] = [];
  let now = 0;
  const warn = createThrottledWarn(
    (line) => lines.push(line),
    () => now,
  );
  warn('export', 'one');
  warn('export', 'two');
  warn('queue', 'full');
  now = WARNING_INTERVAL_MS - 1;
  warn('export', 'three');
  expect(lines).toEqual(['telemetry: one', 'telemetry: full']);
  now = WARNING_INTERVAL_MS;
  warn('export', 'four');
  expect(lines.at(-1)).toBe('telemetry: four (2 such warnings held back)');
});
