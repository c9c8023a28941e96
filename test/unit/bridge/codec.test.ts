import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import Long from 'long';
import { describe, expect, it } from 'vitest';
import { fromReceivedMessage, toServiceBusMessage } from '../../../src/bridge/codec.ts';
import type { WireMessage } from '../../../src/contract/wire.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const wire: WireMessage = { entity: 'a', messageId: 'm', subject: 'event', body: { x: 1 } };

/** As much of a received message as a test names. */
function received(more: object): ServiceBusReceivedMessage {
  return { body: null, ...more } as ServiceBusReceivedMessage;
}

describe('toServiceBusMessage', () => {
  it('writes format, content type and only the fields that are there', () => {
    expect(toServiceBusMessage(wire)).toEqual({
      messageId: 'm',
      subject: 'event',
      contentType: 'application/json',
      applicationProperties: { 'quorate-format': 1 },
      body: { x: 1 },
    });
  });

  it('writes the trace context under both names', () => {
    const { applicationProperties } = toServiceBusMessage({ ...wire, traceparent: TRACEPARENT });
    expect(applicationProperties).toMatchObject({ traceparent: TRACEPARENT, 'Diagnostic-Id': TRACEPARENT });
  });

  it('never turns a short time to live into none (I10)', () => {
    expect(toServiceBusMessage({ ...wire, timeToLiveMs: 0 }).timeToLive).toBe(1);
    expect(toServiceBusMessage({ ...wire, timeToLiveMs: 250 }).timeToLive).toBe(250);
    expect(toServiceBusMessage({ ...wire, timeToLiveMs: 250.9 }).timeToLive).toBe(250);
    expect(toServiceBusMessage(wire).timeToLive).toBeUndefined();
    expect(toServiceBusMessage({ ...wire, timeToLiveMs: 2 ** 32 - 1 }).timeToLive).toBe(2 ** 32 - 1);
    for (const timeToLiveMs of [2 ** 32, Number.MAX_SAFE_INTEGER, Infinity])
      expect(toServiceBusMessage({ ...wire, timeToLiveMs }).timeToLive).toBeUndefined();
  });
});

describe('fromReceivedMessage', () => {
  it('takes over what is there', () => {
    const message = fromReceivedMessage(
      received({
        messageId: 'm',
        subject: 'task',
        sessionId: 's',
        correlationId: 'c',
        replyTo: 'r',
        replyToSessionId: 'rs',
        sequenceNumber: Long.fromString('9007199254740991'),
        deliveryCount: 2,
        enqueuedTimeUtc: new Date(5),
        applicationProperties: { text: 't', n: 1, yes: true, DeadLetterReason: 'why' },
        deadLetterReason: 'why',
        deadLetterErrorDescription: 'more',
        deadLetterSource: 'q',
      }),
    );
    expect(message).toEqual({
      messageId: 'm',
      subject: 'task',
      body: null,
      sessionId: 's',
      correlationId: 'c',
      replyTo: 'r',
      replyToSessionId: 'rs',
      sequenceNumber: 9_007_199_254_740_991,
      deliveryCount: 2,
      enqueuedAt: 5,
      properties: { text: 't', n: 1, yes: true },
      deadLetterReason: 'why',
      deadLetterDescription: 'more',
      deadLetterSource: 'q',
    });
  });

  it('prefers traceparent to Diagnostic-Id, in whichever order they come', () => {
    const older = '00-11111111111111111111111111111111-2222222222222222-01';
    const both = [
      { traceparent: TRACEPARENT, 'Diagnostic-Id': older },
      { 'Diagnostic-Id': older, traceparent: TRACEPARENT },
    ];
    for (const applicationProperties of both) {
      expect(fromReceivedMessage(received({ applicationProperties })).traceparent).toBe(TRACEPARENT);
    }
    const alone = fromReceivedMessage(received({ applicationProperties: { 'Diagnostic-Id': older } }));
    expect(alone.traceparent).toBe(older);
    expect(alone.properties).toEqual({});
  });

  it('decodes what others sent: ids of other types, properties that are no plain values', () => {
    const message = fromReceivedMessage(
      received({
        messageId: 7,
        correlationId: Buffer.from('ab', 'hex'),
        body: Buffer.from('not json'),
        applicationProperties: { gone: null, kept: 'x', at: new Date(7) },
      }),
    );
    expect(message).toMatchObject({ messageId: '7', correlationId: 'ab', subject: '', deliveryCount: 0 });
    expect(message.properties).toEqual({ kept: 'x', at: 7 });
    expect(message.body).toEqual(Buffer.from('not json'));
  });
});
