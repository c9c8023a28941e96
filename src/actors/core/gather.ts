// A gather while a batch folds into it. machines/gather.ts counts and decides. This file adds what messages need: a bit for
// each branch that has answered, because an answer may come twice (decoded once a batch, I12); links for the trace; and how
// to undo an input that is rejected. The machine is not touched until the gather is decided.
import type { Json } from '../../contract/json.ts';
import type { Outcome } from '../../contract/outcome.ts';
import type { PayloadRef } from '../../contract/payload.ts';
import type { BranchValue, GatherOutput, ScatterPlan } from '../../contract/scatter.ts';
import type { GatherState, KeptValue, TurnRequest } from '../../contract/turn.ts';
import { MAX_GATHER_LINKS } from '../../contract/turn.ts';
import {
  add,
  addDuplicate,
  begin,
  type Decision,
  decide,
  decideAtTimeUp,
  type Gathering,
  toOutput,
} from '../../machines/gather.ts';

export function newGather(plan: ScatterPlan, now: number): GatherState {
  const gathering = begin(plan);
  const answered = encodeBits(new Uint8Array(Math.ceil(gathering.total / 8)));
  return { ...gathering, answered, startedAt: now, links: [] };
}

/** Each answer replaces it as a whole: to undo one is to put the old value back. */
interface Folded {
  readonly gathering: Gathering;
  readonly links: readonly string[];
}

export class GatherFold {
  readonly #startedAt: number;
  readonly #bits: Uint8Array;
  #folded: Folded;

  constructor({ answered, startedAt, links, ...gathering }: GatherState) {
    this.#startedAt = startedAt;
    this.#bits = decodeBits(answered);
    this.#folded = { gathering, links };
  }

  has(index: number): boolean {
    return ((this.#bits[index >> 3] ?? 0) & bitOf(index)) !== 0;
  }

  contains(index: number): boolean {
    return index >= 0 && index < this.#folded.gathering.total;
  }

  /** Gives a function that takes it back. */
  countDuplicate(): () => void {
    const before = this.#folded;
    this.#folded = { ...before, gathering: addDuplicate(before.gathering) };
    return () => {
      this.#folded = before;
    };
  }

  /** Folds the first answer of a branch. Gives a function that takes it back. */
  accept(index: number, outcome: Outcome, traceparent: string | undefined, kept?: PayloadRef): () => void {
    const before = this.#folded;
    const { gathering, links } = before;
    const isLinked = traceparent !== undefined && links.length < MAX_GATHER_LINKS;
    this.#flip(index);
    this.#folded = {
      gathering: add(gathering, index, outcome, kept),
      links: isLinked ? [...links, traceparent] : links,
    };
    return () => {
      this.#flip(index);
      this.#folded = before;
    };
  }

  /** After an answer: whether enough have answered. */
  decide(): Decision {
    return decide(this.#folded.gathering);
  }

  decideAtTimeUp(): Decision {
    return decideAtTimeUp(this.#folded.gathering);
  }

  /** Throws PayloadsNeeded when values lie elsewhere and are not among these. */
  output(outcome: GatherOutput['outcome'], payloads: TurnRequest['payloads'] = {}): GatherOutput {
    const { gathering } = this.#folded;
    return toOutput(gathering, outcome, readValues(gathering.values, payloads));
  }

  toState(): GatherState {
    const { gathering, links } = this.#folded;
    return { ...gathering, answered: encodeBits(this.#bits), startedAt: this.#startedAt, links };
  }

  #flip(index: number): void {
    this.#bits[index >> 3] = (this.#bits[index >> 3] ?? 0) ^ bitOf(index);
  }
}

/** A turn reads nothing itself: the host reads these values and runs the turn again. */
export class PayloadsNeeded extends Error {
  readonly refs: readonly PayloadRef[];

  constructor(refs: readonly PayloadRef[]) {
    super(`${refs.length} values lie in the payload store`);
    this.refs = refs;
  }
}

function readValues(values: readonly KeptValue[], payloads: Readonly<Record<string, Json>>): BranchValue[] {
  const needed = values.flatMap((kept) =>
    'ref' in kept && !Object.hasOwn(payloads, kept.ref.$payload) ? [kept.ref] : [],
  );
  if (needed.length > 0) throw new PayloadsNeeded(needed);
  return values.map((kept) =>
    'ref' in kept
      ? { index: kept.index, agent: kept.agent, value: payloads[kept.ref.$payload] ?? null }
      : kept,
  );
}

function bitOf(index: number): number {
  return 1 << (index & 7);
}

/** Arguments of one call: far below what an engine's stack holds. */
const CHUNK = 4_096;

function encodeBits(bits: Uint8Array): string {
  let binary = '';
  for (let from = 0; from < bits.length; from += CHUNK) {
    binary += String.fromCharCode(...bits.subarray(from, from + CHUNK));
  }
  return btoa(binary);
}

function decodeBits(text: string): Uint8Array {
  const binary = atob(text);
  const bits = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bits[i] = binary.charCodeAt(i);
  return bits;
}
