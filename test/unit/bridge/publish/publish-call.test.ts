import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inSendSpan, type PendingMessage, PublishCall } from '../../../../src/bridge/publish/publish-call.ts';
import { MAX_LINKS } from '../../../../src/contract/turn.ts';

const exporter = new InMemorySpanExporter();

beforeEach(() => {
  new NodeSDK({
    autoDetectResources: false,
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

const traceparent = (n: number): string => `00-${'a'.repeat(32)}-${n.toString(16).padStart(16, '0')}-01`;

const FROM = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };

/** As they are published within a span of the first ones' trace. */
function pendingMessages(traceparents: readonly (string | undefined)[]): PendingMessage[] {
  const call = new PublishCall(traceparents.length);
  return traceparents.map((one, index) => ({
    call,
    index,
    from: FROM,
    message: {
      entity: 'q',
      messageId: `m${index}`,
      subject: 'event',
      body: null,
      ...(one === undefined ? {} : { traceparent: one }),
    },
  }));
}

async function spanOf(traceparents: readonly (string | undefined)[]) {
  await inSendSpan('q', pendingMessages(traceparents), () => Promise.resolve());
  const [span] = exporter.getFinishedSpans();
  if (span === undefined) throw new Error('no span');
  return span;
}

describe('inSendSpan', () => {
  it('makes one client span a batch, linked once to each context', async () => {
    const span = await spanOf([traceparent(1), traceparent(2), undefined, traceparent(1), 'nonsense']);
    expect(span.name).toBe('send q');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.attributes).toEqual({
      'messaging.system': 'servicebus',
      'messaging.destination.name': 'q',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.batch.message_count': 5,
    });
    expect(span.links.map((link) => link.context.spanId)).toEqual(['0000000000000001', '0000000000000002']);
  });

  it('hangs where a message was published that is of that trace, also when traces are mixed', async () => {
    const [one] = pendingMessages([traceparent(1)]);
    const other = pendingMessages([`00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`])[0];
    await inSendSpan('q', [other, one] as PendingMessage[], () => Promise.resolve());
    const [span] = exporter.getFinishedSpans();
    expect(span?.parentSpanContext?.spanId).toBe(FROM.spanId);
    expect(span?.links).toHaveLength(2);
  });

  it('is not made where nothing of its trace waits for it', async () => {
    const [{ from: _, ...alone }] = pendingMessages([traceparent(1)]) as [PendingMessage];
    await inSendSpan('q', [alone], () => Promise.resolve());
    await inSendSpan('q', pendingMessages([`00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`]), () =>
      Promise.resolve(),
    );
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('is not made for messages without a context', async () => {
    await inSendSpan('q', pendingMessages([undefined, undefined]), () => Promise.resolve());
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('has no more links than the SDK keeps', async () => {
    const span = await spanOf(Array.from({ length: 300 }, (_, n) => traceparent(n + 1)));
    expect(span.links).toHaveLength(MAX_LINKS);
    expect(span.droppedLinksCount).toBe(0);
  });

  it('marks a batch that was refused', async () => {
    const refused = inSendSpan('q', pendingMessages([traceparent(1)]), () =>
      Promise.reject(new Error('full')),
    );
    await expect(refused).rejects.toThrow('full');
    expect(exporter.getFinishedSpans()[0]?.status.message).toBe('full');
  });
});
