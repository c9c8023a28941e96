import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inSendSpan, type PendingMessage, PublishCall } from '../../../../src/bridge/publish/publish-call.ts';
import { MAX_GATHER_LINKS } from '../../../../src/contract/turn.ts';

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

function pendingMessages(traceparents: readonly (string | undefined)[]): PendingMessage[] {
  const call = new PublishCall(traceparents.length);
  return traceparents.map((one, index) => ({
    call,
    index,
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

  it('hangs under the one context that all its messages share', async () => {
    const span = await spanOf([traceparent(7), traceparent(7)]);
    expect(span.parentSpanContext?.spanId).toBe('0000000000000007');
    expect(span.spanContext().traceId).toBe('a'.repeat(32));
  });

  it('hangs where it was published, if that is in the messages’ trace, and under none when traces are mixed', async () => {
    const from = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    const [one, two] = pendingMessages([traceparent(1), traceparent(2)]).map((pendingMessage) => ({
      ...pendingMessage,
      from,
    }));
    await inSendSpan('q', [one, two] as PendingMessage[], () => Promise.resolve());
    const other = {
      ...(two as PendingMessage),
      message: {
        ...(two as PendingMessage).message,
        traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
      },
    };
    await inSendSpan('q', [one as PendingMessage, other], () => Promise.resolve());
    const parents = exporter.getFinishedSpans().map(({ parentSpanContext }) => parentSpanContext?.spanId);
    expect(parents).toEqual([from.spanId, undefined]);
  });

  it('is not made for messages without a context', async () => {
    await inSendSpan('q', pendingMessages([undefined, undefined]), () => Promise.resolve());
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('has no more links than the SDK keeps', async () => {
    const span = await spanOf(Array.from({ length: 300 }, (_, n) => traceparent(n + 1)));
    expect(span.links).toHaveLength(MAX_GATHER_LINKS);
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
