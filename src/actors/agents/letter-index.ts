// Where the copy of a dead letter lies in the remediation queue, by its id. A process knows those that it has set aside; the
// others are found by looking back from the mark, which was sent after the copy and so lies behind it.
import type { DeferredStore } from '../../contract/ports.ts';

const MOST_KNOWN = 10_000;
const PAGE = 100;
/** How far back the first look goes; each further one goes four times as far. */
const FIRST_SPAN = 100;
const WIDER = 4;

export interface LetterIndex {
  put(id: string, number: number): void;
  /** Numbers of those that are there, in front of the given one. */
  locate(ids: readonly string[], before: number): Promise<readonly number[]>;
}

export function createLetterIndex(deferredStore: () => Pick<DeferredStore, 'browse'>): LetterIndex {
  const known = new Map<string, number>();

  /** Takes from `missing` what is found between two numbers. */
  const lookThrough = async (from: number, to: number, missing: Set<string>): Promise<number[]> => {
    const found: number[] = [];
    for (let next = from; next < to && missing.size > 0; ) {
      const page = await deferredStore().browse({ from: next, max: PAGE });
      for (const { messageId, sequenceNumber } of page)
        if (sequenceNumber < to && missing.delete(messageId)) found.push(sequenceNumber);
      const last = page.at(-1);
      if (last === undefined) break;
      next = last.sequenceNumber + 1;
    }
    return found;
  };

  return {
    put: (id, number) => {
      known.set(id, number);
      if (known.size <= MOST_KNOWN) return;
      for (const oldest of known.keys()) {
        known.delete(oldest);
        return;
      }
    },
    locate: async (ids, before) => {
      const numbers = ids.flatMap((id) => known.get(id) ?? []);
      const missing = new Set(ids.filter((id) => !known.has(id)));
      for (let to = before, span = FIRST_SPAN; to > 0 && missing.size > 0; span *= WIDER) {
        const from = Math.max(0, to - span);
        numbers.push(...(await lookThrough(from, to, missing)));
        to = from;
      }
      return numbers;
    },
  };
}
