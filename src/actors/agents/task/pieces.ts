// Pieces of an answer, sent ahead of it. A machine gets them in order, so a number that nobody sends would hold back all that
// come after it: each piece takes its number when the one before it has been accepted, and there is no other way to get one.
import { toErrorJson } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import { isRefusedForGood } from '../../protocol/claims.ts';

export interface Pieces {
  /** Resolves when the piece has been accepted. */
  send(value: Json): Promise<void>;
  /** All that were sent have been accepted or refused: only then may the answer follow. */
  idle(): Promise<void>;
}

/** `send` rejects when the piece was not accepted. */
export function createPieces(send: (value: Json, seq: number) => Promise<unknown>): Pieces {
  let seq = 0;
  let last: Promise<void> = Promise.resolve();
  /** One of which nobody knows whether it was accepted: what has its number now is unknown, so nothing may follow. */
  let unknown: { readonly thrown: unknown } | undefined;

  const sendNext = async (value: Json): Promise<void> => {
    if (unknown !== undefined) throw unknown.thrown;
    try {
      await send(value, seq);
      seq += 1;
    } catch (thrown) {
      if (!isRefusedForGood(toErrorJson(thrown, 'CONNECTION_FAILED').code)) unknown = { thrown };
      throw thrown;
    }
  };

  return {
    send: (value) => {
      const sent = last.then(() => sendNext(value));
      last = sent.catch(() => {});
      return sent;
    },
    idle: () => last,
  };
}
