// WireMessage <-> the SDK's messages. What a body means is the host's to judge, also when the format is not ours.
import type { ServiceBusMessage, ServiceBusReceivedMessage } from '@azure/service-bus';
import { type InboundMessage, PROPERTY, WIRE_FORMAT, type WireMessage } from '../contract/wire.ts';

type Properties = Record<string, string | number | boolean>;

const TRACEPARENT = 'traceparent';
/** Where the Azure SDKs put the same value. Where it is set, their instrumentation makes no context. */
const DIAGNOSTIC_ID = 'Diagnostic-Id';
const LONGEST_TRACEPARENT = 128;
/** 32 bits: 49.7 days. What waits longer is bounded by its asker's deadline alone. */
const LONGEST_TTL_MS = 2 ** 32 - 1;
/** Options of every receiver whose messages are read here. */
export const RECEIVER_OPTIONS = {
  // Renewal is our own: the SDK's ends at the first busy answer and goes by message id (I1).
  maxAutoLockRenewalDurationInMs: 0,
  // Looking for dates below, where we look at each property anyway, spares the SDK's three walks through the message.
  skipConvertingDate: true,
} as const;

/** Properties that are fields of an InboundMessage. */
const LIFTED = new Set([TRACEPARENT, DIAGNOSTIC_ID, 'DeadLetterReason', 'DeadLetterErrorDescription']);

export function toServiceBusMessage(message: WireMessage): ServiceBusMessage {
  const applicationProperties: Properties = { ...message.properties, [PROPERTY.format]: WIRE_FORMAT };
  if (message.traceparent !== undefined) {
    applicationProperties[TRACEPARENT] = message.traceparent;
    applicationProperties[DIAGNOSTIC_ID] = message.traceparent;
  }
  const encoded: ServiceBusMessage = {
    messageId: message.messageId,
    subject: message.subject,
    contentType: 'application/json',
    applicationProperties,
    body: message.body,
  };
  if (message.sessionId !== undefined) encoded.sessionId = message.sessionId;
  if (message.correlationId !== undefined) encoded.correlationId = message.correlationId;
  if (message.replyTo !== undefined) encoded.replyTo = message.replyTo;
  if (message.replyToSessionId !== undefined) encoded.replyToSessionId = message.replyToSessionId;
  // I10: 0 would mean no TTL at all to the SDK. One longer than AMQP can say is left out: the SDK would cut it.
  const ttl = Math.floor(message.timeToLiveMs ?? Number.POSITIVE_INFINITY);
  if (ttl <= LONGEST_TTL_MS) encoded.timeToLive = Math.max(1, ttl);
  return encoded;
}

export function fromReceivedMessage(received: ServiceBusReceivedMessage): InboundMessage {
  const properties: Properties = {};
  let traceparent: string | undefined;
  for (const [key, value] of Object.entries(received.applicationProperties ?? {})) {
    if (key === TRACEPARENT && isTraceparent(value)) traceparent = value;
    else if (key === DIAGNOSTIC_ID && isTraceparent(value)) traceparent ??= value;
    if (LIFTED.has(key)) continue;
    const plain = value instanceof Date ? value.getTime() : value;
    if (isPlain(plain)) properties[key] = plain;
  }
  const {
    sessionId,
    replyTo,
    replyToSessionId,
    deadLetterReason,
    deadLetterErrorDescription,
    deadLetterSource,
    timeToLive,
  } = received;
  const correlationId = toText(received.correlationId);
  return {
    messageId: toText(received.messageId) ?? '',
    subject: received.subject ?? '',
    body: received.body,
    properties,
    sequenceNumber: received.sequenceNumber?.toNumber() ?? 0,
    deliveryCount: received.deliveryCount ?? 0,
    enqueuedAt: received.enqueuedTimeUtc?.getTime() ?? 0,
    ...(timeToLive === undefined ? {} : { timeToLiveMs: timeToLive }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(replyToSessionId === undefined ? {} : { replyToSessionId }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(deadLetterReason === undefined ? {} : { deadLetterReason }),
    ...(deadLetterErrorDescription === undefined
      ? {}
      : { deadLetterDescription: deadLetterErrorDescription }),
    ...(deadLetterSource === undefined ? {} : { deadLetterSource }),
  };
}

/** Refuses a trace context that is far too long: states and all messages that follow would carry it. */
function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TRACEPARENT;
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Ids of other senders may be numbers or bytes. */
function toText(id: string | number | Buffer | undefined): string | undefined {
  if (id === undefined || typeof id === 'string') return id;
  return typeof id === 'number' ? String(id) : id.toString('hex');
}
