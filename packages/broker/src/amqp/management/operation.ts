// What a management operation is: its name, what it needs of its entity, and how it is carried out.
import type { Operation as Work } from '../../core/committer.ts';
import type { Core } from '../../core/core.ts';
import type { Queue } from '../../core/queue.ts';
import type { QueueEntity } from '../../core/queue-entity.ts';
import type { Hold } from '../../core/records.ts';
import type { SubscriptionRules } from '../../core/subscription-rules.ts';
import type { Topic } from '../../core/topic.ts';
import { ServiceError, serviceErrors } from '../../errors.ts';
import type { ConnectedClient } from '../connected-client.ts';

/** The entity whose `$management` is asked; a topic has no messages to receive, a dead letter queue takes none. */
export interface Target {
  readonly core: Core;
  /** Who asks. */
  readonly client: ConnectedClient;
  readonly path: string;
  readonly id: number;
  readonly queue: Queue | undefined;
  readonly destination: QueueEntity | Topic | undefined;
  /** The entity whose size counts: the queue, or the topic of a subscription. */
  readonly home: QueueEntity | Topic | undefined;
  /** The rules, if the entity is a subscription. */
  readonly rules: SubscriptionRules | undefined;
}

export interface Call {
  readonly target: Target;
  readonly body: Record<string, unknown>;
  /** The whole request as it came. */
  readonly encoded: Buffer;
  /** `associated-link-name`: the link on whose behalf the client asks. */
  readonly linkName: string | undefined;
  /** In a transaction: what is to be done when it is committed, instead of at once; throws outside a transaction. */
  readonly enlist: ((run: Work) => void) | undefined;
}

export interface Reply {
  readonly status: number;
  readonly body?: Record<string, unknown>;
  /** The section of the body, where it is written by hand. */
  readonly encodedBody?: Buffer;
}
/** With a function the reply is read when it can be sent; only for what may be large and changes nothing. */
export type Respond = (result: Reply | ServiceError | (() => Reply | ServiceError)) => void;

/** May throw a ServiceError instead of responding. */
export type Operation = (call: Call, respond: Respond) => void;

export const NO_CONTENT = 204;

export function ok(body?: Record<string, unknown>): Reply {
  return body ? { status: 200, body } : { status: 200 };
}

/** Runs after everything that was asked for before: what a client has just deferred or scheduled is there then. */
export function inLine({ target: { core } }: Call, respond: Respond, work: () => void): void {
  core.commit({
    applied: () => {
      try {
        work();
      } catch (error) {
        respond(error instanceof ServiceError ? error : serviceErrors.internal(String(error)));
      }
    },
    refused: respond,
  });
}

export function queueOf({ target }: Call): Queue {
  if (!target.queue) throw serviceErrors.notAllowed(`'${target.path}' holds no messages to receive.`);
  return target.queue;
}

/** Fencing: only the link that holds the session's lock may act for it. */
export function heldSession(call: Call): Hold {
  const id = text(call.body, 'session-id');
  const hold = queueOf(call).sessions?.get(id)?.hold;
  if (!hold || hold.consumer.name !== call.linkName) throw serviceErrors.sessionLockLost(id);
  return hold;
}

export function text(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value !== 'string') throw serviceErrors.invalid(`'${name}' is not a string.`);
  return value;
}

export function optionalText(body: Record<string, unknown>, name: string): string | undefined {
  return body[name] === undefined || body[name] === null ? undefined : text(body, name);
}

export function whole(body: Record<string, unknown>, name: string): number {
  const value = body[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw serviceErrors.invalid(`'${name}' is not a whole number.`);
  }
  return value;
}

export function list(body: Record<string, unknown>, name: string): unknown[] {
  const value = body[name];
  if (!Array.isArray(value)) throw serviceErrors.invalid(`'${name}' is not a list.`);
  return value;
}

export function wholeNumbers(body: Record<string, unknown>, name: string): number[] {
  return list(body, name).map((value) => {
    if (typeof value === 'number') return value;
    // Beyond 2^53 rhea hands over the bytes; this broker gives out no such number.
    return Number.NaN;
  });
}

export function tokens(body: Record<string, unknown>): Buffer[] {
  return list(body, 'lock-tokens').map((token) => {
    if (!Buffer.isBuffer(token) || token.length !== 16)
      throw serviceErrors.invalid('A lock token is not a UUID.');
    return token;
  });
}
