// Requests and their answers over Service Bus: one reply session a client or a process, correlated by id. The session is held from
// the first request on.
import { randomUUID } from 'node:crypto';
import { hasClaims, openClaims, removeClaims } from '../actors/protocol/claims.ts';
import { parseAnswerBody } from '../actors/protocol/messages.ts';
import { abortError, limitSignal, throwIfAborted } from '../common/signals.ts';
import type { ReplyAddress } from '../contract/effect.ts';
import { REPLIES } from '../contract/entities.ts';
import { QuorateError, toErrorJson } from '../contract/errors.ts';
import type { Payloads } from '../contract/payload.ts';
import type { Bridge, Pump } from '../contract/ports.ts';
import type { AnswerBody, InboundMessage, WireMessage } from '../contract/wire.ts';

interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The error when nobody answers in time. */
  readonly onTimeout: () => QuorateError;
  /** Set for questions that may be repeated: the same question of the same client is kept once where it waits. */
  readonly correlationId?: string;
  /** Told the trace context that the answer came with. */
  readonly onAnswer?: (traceparent: string | undefined) => void;
  /** Sent again as often, until it is answered: whom it is for may be on its way to another host. */
  readonly repeatMs?: number;
}

type Hearer = (body: AnswerBody, traceparent: string | undefined) => void;

export interface Requests {
  ask(make: (asker: ReplyAddress) => WireMessage, options: RequestOptions): Promise<AnswerBody>;
  /** Every answer with this correlation id, until released. */
  listen(
    correlationId: string,
    onBody: (body: AnswerBody) => void,
    onAnswer?: RequestOptions['onAnswer'],
  ): Listening;
  /** Where answers to this correlation id are wanted. */
  askerOf(correlationId: string): ReplyAddress;
  close(): Promise<void>;
}

export interface Listening {
  release(): void;
  /** Resolves with the reason when the client is closed. */
  readonly closed: Promise<unknown>;
}

/** `sessionId`: where answers come to. */
export function createRequests(
  bridge: Pick<Bridge, 'publish' | 'pumpNamedSession'>,
  payloads: Payloads,
  endpoint = 'the broker',
  sessionId = `client-${randomUUID()}`,
): Requests {
  const waiting = new Map<string, Set<Hearer>>();
  const closing = new AbortController();
  let pump: (Pump & { readonly ready: Promise<void> }) | undefined;

  const tell = (message: InboundMessage): void => {
    if (message.correlationId === undefined) return;
    const parsed = parseAnswerBody(message);
    const body = parsed.ok ? parsed.body : unreadable(parsed.why);
    for (const resolve of waiting.get(message.correlationId) ?? []) resolve(body, message.traceparent);
  };
  /** An answer that nobody waits for any more is not fetched either. */
  const onMessage = (message: InboundMessage): void => {
    if (!hasClaims(message)) return tell(message);
    if (message.correlationId === undefined || !waiting.has(message.correlationId)) return;
    void openClaims(message, payloads).then(
      (opened) => {
        tell(opened);
        return removeClaims(message, payloads).catch(() => {});
      },
      (thrown: unknown) => {
        const error = { ...toErrorJson(thrown, 'CONNECTION_FAILED') };
        tell({ ...message, body: { kind: 'answer', answer: 'error', error } });
      },
    );
  };

  // No request waits for the session to be held: an answer waits in it, while a refusal (a wrong key, a missing queue)
  // is an answer at once.
  const holdSession = (): void => {
    pump ??= bridge.pumpNamedSession({ entity: REPLIES, sessionId, onMessage });
  };
  const askerOf = (correlationId: string): ReplyAddress => ({ entity: REPLIES, sessionId, correlationId });
  const hear = (correlationId: string, onBody: Hearer): (() => void) => {
    const others = waiting.get(correlationId) ?? new Set();
    waiting.set(correlationId, others.add(onBody));
    return () => {
      others.delete(onBody);
      if (others.size === 0) waiting.delete(correlationId);
    };
  };

  return {
    askerOf,
    listen: (correlationId, onBody, onAnswer) => {
      throwIfAborted(closing.signal);
      holdSession();
      const { promise: closed, resolve } = Promise.withResolvers<unknown>();
      const onClose = (): void => resolve(closing.signal.reason);
      closing.signal.addEventListener('abort', onClose, { once: true });
      const deafen = hear(correlationId, (body, traceparent) => {
        onAnswer?.(traceparent);
        onBody(body);
      });
      return {
        closed,
        release: () => {
          deafen();
          closing.signal.removeEventListener('abort', onClose);
        },
      };
    },
    ask: async (make, { timeoutMs, signal, onTimeout, onAnswer, correlationId = randomUUID(), repeatMs }) => {
      throwIfAborted(signal);
      throwIfAborted(closing.signal);
      holdSession();
      const { promise: answered, resolve } = Promise.withResolvers<AnswerBody>();
      let sent = false;
      const limit = limitSignal({
        sources: [signal, closing.signal],
        timeoutMs,
        onTimeout: () => (sent ? onTimeout() : unsent(endpoint, timeoutMs)),
      });
      const send = async (): Promise<AnswerBody> => {
        await bridge.publish([make(askerOf(correlationId))]);
        sent = true;
        return answered;
      };
      const deafen = hear(correlationId, (body, traceparent) => {
        onAnswer?.(traceparent);
        resolve(body);
      });
      const again =
        repeatMs === undefined
          ? undefined
          : setInterval(
              // The first one that leaves says whether the broker takes them at all.
              () => void bridge.publish([make(askerOf(correlationId))]).catch(() => {}),
              repeatMs,
            );
      try {
        return await Promise.race([send(), limit.aborted]);
      } catch (thrown) {
        throw signal?.aborted === true && thrown === signal.reason ? abortError(thrown) : thrown;
      } finally {
        clearInterval(again);
        deafen();
        limit.release();
      }
    },
    close: async () => {
      closing.abort(new QuorateError('ABORTED', 'the client was closed'));
      await pump?.stop();
    },
  };
}

/** Whom it was for cannot be blamed. */
function unsent(endpoint: string, timeoutMs: number): QuorateError {
  return new QuorateError('CONNECTION_FAILED', `${endpoint} took no message within ${timeoutMs} ms`);
}

/** Stands for an answer that this client cannot read, perhaps of a newer host: the asker is told at once. */
function unreadable(why: string): AnswerBody {
  const message = `this version of the client does not know the answer: ${why}`;
  return { kind: 'answer', answer: 'error', error: { code: 'INPUT_INVALID', message } };
}
