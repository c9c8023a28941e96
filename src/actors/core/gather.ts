// A gather while a batch folds into it. machines/gather.ts counts and decides. This file adds what messages need: a bit for
// each branch that has answered, because an answer may come twice (decoded once a batch, I12); links for the trace; and how
// to undo an input that is rejected. The machine is not touched until the gather is decided.
import { QuorateError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import type { PayloadRef } from '../../contract/payload.ts';
import {
  type BranchValue,
  checkNameOf,
  type GatherOutput,
  type GatherPolicy,
  type ScatterPlan,
} from '../../contract/scatter.ts';
import type { GatherState, KeptValue, TurnRequest, TurnResult } from '../../contract/turn.ts';
import { MAX_LINKS } from '../../contract/turn.ts';
import {
  add,
  addDuplicate,
  begin,
  type Check,
  type Decision,
  decide,
  decideAtTimeUp,
  type Gathering,
  toOutput,
} from '../../machines/gather.ts';
import { jsonBytes } from './to-json.ts';

/** What the module of a machine exports. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/** The function that a policy's `valid` names. Undefined: the module exports no such function. */
export function exportedCheck(name: string, exports: ModuleExports): Check | undefined {
  const found = Object.hasOwn(exports, name) ? exports[name] : undefined;
  return typeof found === 'function' ? (found as Check) : undefined;
}

/** For a gather under way: without its function no answer can be judged, and none may be lost. */
export function checkOf(policy: GatherPolicy, exports: ModuleExports): Check | undefined {
  const valid = checkNameOf(policy);
  if (valid === undefined) return undefined;
  const check = exportedCheck(valid, exports);
  if (check !== undefined) return check;
  throw new QuorateError(
    'STATE_INCOMPATIBLE',
    `a gather is under way whose policy names '${valid}', and the machine's module exports no such function`,
  );
}

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
  readonly #check: Check | undefined;
  #folded: Folded;

  /** `check`: what the policy's `valid` names. */
  constructor({ answered, startedAt, links, ...gathering }: GatherState, check?: Check) {
    this.#check = check;
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
    const isLinked = traceparent !== undefined && links.length < MAX_LINKS;
    this.#flip(index);
    this.#folded = {
      gathering: add(gathering, index, outcome, { kept, check: this.#check }),
      links: isLinked ? [...links, traceparent] : links,
    };
    return () => {
      this.#flip(index);
      this.#folded = before;
    };
  }

  /** After an answer: whether enough have answered. `more`: others are at hand, whose bills have come with this one's. */
  decide(more: () => boolean): Decision {
    const { gathering } = this.#folded;
    if (gathering.spent === undefined || !more()) return decide(gathering);
    const { spent: _, ...unbilled } = gathering;
    return decide(unbilled);
  }

  decideAtTimeUp(): Decision {
    return decideAtTimeUp(this.#folded.gathering);
  }

  /** Throws HostNeeded when values lie elsewhere and are not among these. */
  output(outcome: GatherOutput['outcome'], payloads: TurnRequest['payloads'] = {}): GatherOutput {
    const { gathering } = this.#folded;
    const { values, rejected = [] } = gathering;
    const read = readValues([...values, ...rejected], payloads);
    return toOutput(gathering, outcome, {
      values: read.slice(0, values.length),
      rejected: read.slice(values.length),
    });
  }

  /** What lies elsewhere by reference, where all together is too large. */
  outputByReference(outcome: GatherOutput['outcome']): GatherOutput {
    const { gathering } = this.#folded;
    const { values, rejected = [] } = gathering;
    return toOutput(gathering, outcome, {
      values: values.filter(isByValue),
      rejected: rejected.filter(isByValue),
      references: [
        ...values.filter(isByReference),
        ...rejected.filter(isByReference).map((kept) => ({ ...kept, valid: false as const })),
      ],
    });
  }

  toState(): GatherState {
    const { gathering, links } = this.#folded;
    return { ...gathering, answered: encodeBits(this.#bits), startedAt: this.#startedAt, links };
  }

  #flip(index: number): void {
    this.#bits[index >> 3] = (this.#bits[index >> 3] ?? 0) ^ bitOf(index);
  }
}

/** A turn reads and stores nothing itself: the host does it and runs the turn again. */
export class HostNeeded extends Error {
  readonly what: Pick<TurnResult, 'needs' | 'stow'>;

  constructor(what: Pick<TurnResult, 'needs' | 'stow'>) {
    super('the host has to read or to store something first');
    this.what = what;
  }
}

/** A longer list of answers is stored: an error may be kept in a context, or sent on. */
const MAX_ANSWERS_BYTES = 32 * 1024;

/** The error of a gather as its machine gets it: many answers by reference to their list. */
export function withStowed(
  execution: string,
  error: ErrorJson,
  stowed: TurnRequest['stowed'] = {},
): ErrorJson {
  const { answers, ...data } = error.data as { readonly answers?: readonly Json[] } & JsonObject;
  if (answers === undefined || jsonBytes(answers) <= MAX_ANSWERS_BYTES) return error;
  const ref = Object.hasOwn(stowed, execution) ? stowed[execution] : undefined;
  if (ref === undefined) throw new HostNeeded({ stow: { execution, answers } });
  return { ...error, data: { ...data, answers: { ...ref } } };
}

function readValues(values: readonly KeptValue[], payloads: Readonly<Record<string, Json>>): BranchValue[] {
  const needed = values.flatMap((kept) =>
    'ref' in kept && !Object.hasOwn(payloads, kept.ref.$payload) ? [kept.ref] : [],
  );
  if (needed.length > 0) throw new HostNeeded({ needs: needed });
  return values.map((kept) =>
    'ref' in kept
      ? { index: kept.index, agent: kept.agent, value: payloads[kept.ref.$payload] ?? null }
      : kept,
  );
}

function isByValue(kept: KeptValue): kept is BranchValue {
  return !('ref' in kept);
}

function isByReference(kept: KeptValue): kept is Exclude<KeptValue, BranchValue> {
  return 'ref' in kept;
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
