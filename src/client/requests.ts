// Requests and their answers over Service Bus: one reply session a client, correlated by id.
import { randomUUID } from 'node:crypto';
import { parseAnswerBody } from '../actors/protocol/messages.ts';
import type { ReplyAddress } from '../contract/effect.ts';
import { REPLIES } from '../contract/entities.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Bridge, Pump } from '../contract/ports.ts';
import type { AnswerBody, InboundMessage, WireMessage } from '../contract/wire.ts';
import { limitSignal } from '../signals.ts';

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What it says when nobody answers in time. */
  readonly onTimeout: () => QuorateError;
  /** For what may be asked over and over: the same question of the same client is kept once where it waits. */
  readonly correlationId?: string;
}

export interface Requests {
  ask(make: (asker: ReplyAddress) => WireMessage, options: RequestOptions): Promise<AnswerBody>;
  close(): Promise<void>;
}

export function createRequests(bridge: Bridge): Requests {
  const sessionId = `client-${randomUUID()}`;
  const waiting = new Map<string, Set<(body: AnswerBody) => void>>();
  const closing = new AbortController();
  let pump: (Pump & { readonly ready: Promise<void> }) | undefined;

  const onMessage = (message: InboundMessage): void => {
    const parsed = parseAnswerBody(message);
    if (!parsed.ok || message.correlationId === undefined) return;
    for (const resolve of waiting.get(message.correlationId) ?? []) resolve(parsed.body);
  };

  return {
    ask: async (make, { timeoutMs, signal, onTimeout, correlationId = randomUUID() }) => {
      signal?.throwIfAborted();
      closing.signal.throwIfAborted();
      // The request does not wait for the session to be held: an answer waits in it, while a refusal (a wrong key, a
      // missing queue) is an answer at once.
      pump ??= bridge.pumpNamedSession({ entity: REPLIES, sessionId, onMessage });
      const { promise: answered, resolve } = Promise.withResolvers<AnswerBody>();
      const limit = limitSignal({ sources: [signal, closing.signal], timeoutMs, onTimeout });
      const send = async (): Promise<AnswerBody> => {
        await bridge.publish([make({ entity: REPLIES, sessionId, correlationId })]);
        return answered;
      };
      const others = waiting.get(correlationId) ?? new Set();
      waiting.set(correlationId, others.add(resolve));
      try {
        return await Promise.race([send(), limit.aborted]);
      } finally {
        others.delete(resolve);
        if (others.size === 0) waiting.delete(correlationId);
        limit.release();
      }
    },
    close: async () => {
      closing.abort(new QuorateError('ABORTED', 'the client was closed'));
      await pump?.stop();
    },
  };
}
