// Requests and their answers over Service Bus: one reply session a client, correlated by id.
import { randomUUID } from 'node:crypto';
import { parseAnswerBody } from '../actors/protocol/messages.ts';
import type { ReplyAddress } from '../contract/effect.ts';
import { REPLIES } from '../contract/entities.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Bridge, Pump } from '../contract/ports.ts';
import type { AnswerBody, InboundMessage, WireMessage } from '../contract/wire.ts';

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What it says when nobody answers in time. */
  readonly onTimeout: () => QuorateError;
}

export interface Requests {
  ask(make: (asker: ReplyAddress) => WireMessage, options: RequestOptions): Promise<AnswerBody>;
  close(): Promise<void>;
}

export function createRequests(bridge: Bridge): Requests {
  const sessionId = `client-${randomUUID()}`;
  const waiting = new Map<string, (body: AnswerBody) => void>();
  let pump: (Pump & { readonly ready: Promise<void> }) | undefined;

  const onMessage = (message: InboundMessage): void => {
    const parsed = parseAnswerBody(message);
    if (parsed.ok && message.correlationId !== undefined) waiting.get(message.correlationId)?.(parsed.body);
  };

  return {
    ask: async (make, { timeoutMs, signal, onTimeout }) => {
      signal?.throwIfAborted();
      // The session is held before the first request leaves, so that an answer has somebody to go to at once.
      pump ??= bridge.pumpNamedSession({ entity: REPLIES, sessionId, onMessage });
      const correlationId = randomUUID();
      const timeout = AbortSignal.timeout(timeoutMs);
      const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
      let stop: (() => void) | undefined;
      try {
        return await new Promise<AnswerBody>((resolve, reject) => {
          stop = () => reject(timeout.aborted ? onTimeout() : (signal?.reason as Error));
          ends.addEventListener('abort', stop, { once: true });
          waiting.set(correlationId, resolve);
          const send = async (): Promise<void> => {
            await pump?.ready;
            if (!ends.aborted) await bridge.publish([make({ entity: REPLIES, sessionId, correlationId })]);
          };
          send().catch(reject);
        });
      } finally {
        waiting.delete(correlationId);
        if (stop !== undefined) ends.removeEventListener('abort', stop);
      }
    },
    close: async () => {
      await pump?.stop();
    },
  };
}
