// The messages that a task sends, each under an id that follows from its key: a piece of its answer, the answer or the offer, and
// the task itself once more.
import { OFFERS } from '../../../contract/entities.ts';
import type { Json } from '../../../contract/json.ts';
import type { Outcome } from '../../../contract/outcome.ts';
import { type InboundMessage, PROPERTY, WIRE_FORMAT, type WireMessage } from '../../../contract/wire.ts';
import { hashId, replyMessageId, taskMessageId, withoutLife } from '../../protocol/ids.ts';
import { OF_LINEAGE } from '../../protocol/lineage.ts';
import type { Task } from './task.ts';

/** Undefined where the task names nobody to answer. */
export function toReply(task: Task, outcome: Outcome, now: number): WireMessage | undefined {
  const { body, message } = task;
  const { replyTo, replyToSessionId } = message;
  if (replyTo === undefined || replyToSessionId === undefined) return undefined;
  const { execution, branch, offerTtlMs } = body;
  const common = { messageId: replyMessageId(body.key), ...headers(task) };
  if (offerTtlMs !== undefined && outcome.status === 'done') {
    const expiresAt = now + offerTtlMs;
    return {
      ...common,
      properties: { ...common.properties, ...lineageOf(message) },
      // Handed on after this attempt is over: it hangs under the task, which ends with the accepted answer.
      ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
      entity: OFFERS,
      subject: 'offer',
      timeToLiveMs: offerTtlMs,
      replyTo,
      replyToSessionId,
      body: { kind: 'offer', execution, branch, value: outcome.output, expiresAt },
    };
  }
  return {
    ...common,
    entity: replyTo,
    sessionId: replyToSessionId,
    subject: 'reply',
    body: { kind: 'reply', execution, ...branchOf(task), outcome: outcome as unknown as Json },
  };
}

/** Undefined where the task names nobody to answer. */
export function toPiece(task: Task, value: Json, seq: number): WireMessage | undefined {
  const { body, message } = task;
  const { replyTo, replyToSessionId } = message;
  if (replyTo === undefined || replyToSessionId === undefined) return undefined;
  return {
    entity: replyTo,
    sessionId: replyToSessionId,
    subject: 'partial',
    messageId: hashId('partial', body.key, seq),
    ...headers(task),
    body: { kind: 'partial', execution: body.execution, ...branchOf(task), seq, value },
  };
}

function headers({ body, traceparent }: Task): Pick<WireMessage, 'properties' | 'traceparent'> {
  return {
    properties: { [PROPERTY.format]: WIRE_FORMAT, [PROPERTY.execution]: withoutLife(body.execution) },
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** An offer is cancelled as its task is. */
function lineageOf({ properties }: InboundMessage): InboundMessage['properties'] {
  return Object.fromEntries(
    OF_LINEAGE.flatMap((name) => {
      const value = properties[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function branchOf({ body: { branch } }: Task): { readonly branch?: number } {
  return branch === null ? {} : { branch };
}

interface Again {
  readonly entity: string;
  readonly deadlineAt: number;
  readonly now: number;
  /** For a retry: its number, how often the task was put off so far, and when it is due. */
  readonly attempt?: number;
  readonly waits?: number;
  readonly putOffs?: number;
  readonly notBefore?: number;
  /** For a hand-back: what tells it from the message that it takes the place of. */
  readonly release?: number;
  readonly lost?: number;
}

function redrivenFrom({ properties }: InboundMessage): number | undefined {
  const { [PROPERTY.redriven]: number } = properties;
  return typeof number === 'number' ? number : undefined;
}

/** The same task as a new message: for a retry later, or for another host now. */
export function toSameTask(task: Task, again: Again): WireMessage {
  const { body, message } = task;
  const {
    entity,
    deadlineAt,
    now,
    attempt = body.attempt,
    waits = task.waits,
    putOffs = task.putOffs,
    notBefore,
    release = 0,
    lost,
  } = again;
  return {
    entity,
    subject: 'task',
    messageId: taskMessageId(body.key, attempt, { release, redriven: redrivenFrom(message), waits }),
    timeToLiveMs: Math.max(1, Math.floor(deadlineAt - (notBefore ?? now))),
    properties: {
      ...message.properties,
      [PROPERTY.attempt]: attempt,
      ...(waits === 0 ? {} : { [PROPERTY.waits]: waits }),
      ...(putOffs === 0 ? {} : { [PROPERTY.putOffs]: putOffs }),
      ...(lost === undefined ? {} : { [PROPERTY.lost]: lost }),
    },
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(message.replyTo === undefined ? {} : { replyTo: message.replyTo }),
    ...(message.replyToSessionId === undefined ? {} : { replyToSessionId: message.replyToSessionId }),
    ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    body: { ...body, attempt },
  };
}
