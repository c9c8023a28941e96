// A gather folds replies as they come: a bit, counters and a few references each (I12). It never touches the machine
// until it is decided.
import type { Json } from '../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import type { PayloadRef } from '../../contract/payload.ts';
import type { BranchError, BranchValue, GatherOutput, ScatterPlan } from '../../contract/scatter.ts';
import { MAX_GATHER_ERRORS } from '../../contract/scatter.ts';
import type { GatherState, KeptValue, TurnRequest } from '../../contract/turn.ts';
import { MAX_GATHER_LINKS } from '../../contract/turn.ts';
import { clearBit, decodeBits, emptyBits, encodeBits, hasBit, setBit } from './bits.ts';

export function newGather(plan: ScatterPlan, total: number, now: number): GatherState {
  return {
    agents: plan.agents,
    total,
    policy: plan.policy,
    collect: plan.collect,
    answered: encodeBits(emptyBits(total)),
    ok: 0,
    failed: 0,
    duplicates: 0,
    counts: {},
    values: [],
    errors: [],
    startedAt: now,
    links: [],
  };
}

/** What changes with a reply; replaced as a whole, so that undoing a reply is putting the old one back. */
interface Tally {
  readonly ok: number;
  readonly failed: number;
  readonly duplicates: number;
  readonly counts: Readonly<Record<string, number>>;
}

export type Decision =
  | { readonly kind: 'open' }
  | { readonly kind: 'done'; readonly outcome: GatherOutput['outcome'] }
  | { readonly kind: 'failed' };

/** A gather while a batch folds into it. */
export class GatherFold {
  readonly #origin: GatherState;
  readonly #bits: Uint8Array;
  readonly #values: KeptValue[];
  readonly #errors: BranchError[];
  readonly #links: string[];
  #tally: Tally;

  constructor(state: GatherState) {
    this.#origin = state;
    this.#bits = decodeBits(state.answered);
    this.#values = [...state.values];
    this.#errors = [...state.errors];
    this.#links = [...state.links];
    this.#tally = { ok: state.ok, failed: state.failed, duplicates: state.duplicates, counts: state.counts };
  }

  has(index: number): boolean {
    return hasBit(this.#bits, index);
  }

  contains(index: number): boolean {
    return index >= 0 && index < this.#origin.total;
  }

  /** Gives what takes it back. */
  countDuplicate(): () => void {
    const before = this.#tally;
    this.#tally = { ...before, duplicates: before.duplicates + 1 };
    return () => {
      this.#tally = before;
    };
  }

  /** Folds the first answer of a branch. Gives what takes it back. */
  accept(index: number, outcome: Outcome, traceparent: string | undefined, kept?: PayloadRef): () => void {
    const before = this.#tally;
    const lengths = [this.#values.length, this.#errors.length, this.#links.length] as const;
    const agent = this.#origin.agents[index % this.#origin.agents.length] ?? '';
    setBit(this.#bits, index);
    if (outcome.status === 'done') {
      this.#tally = { ...before, ok: before.ok + 1, counts: addCounts(before.counts, outcome.output) };
      if (this.#origin.collect === 'values')
        this.#values.push(
          kept === undefined ? { index, agent, value: outcome.output } : { index, agent, ref: kept },
        );
    } else {
      this.#tally = { ...before, failed: before.failed + 1 };
      if (this.#errors.length < MAX_GATHER_ERRORS) this.#errors.push({ index, agent, error: outcome.error });
    }
    if (traceparent !== undefined && this.#links.length < MAX_GATHER_LINKS) this.#links.push(traceparent);
    return () => {
      clearBit(this.#bits, index);
      this.#tally = before;
      [this.#values.length, this.#errors.length, this.#links.length] = lengths;
    };
  }

  /** After a reply: whether enough have answered. */
  decide(): Decision {
    const { policy, total } = this.#origin;
    const { ok, failed } = this.#tally;
    const complete = ok + failed === total;
    switch (policy.kind) {
      case 'all':
        return complete ? { kind: 'done', outcome: 'all' } : { kind: 'open' };
      case 'quorum':
        if (ok >= policy.count) return { kind: 'done', outcome: 'quorum' };
        return total - failed < policy.count ? { kind: 'failed' } : { kind: 'open' };
      case 'deadline':
        if (!complete) return { kind: 'open' };
        return ok >= (policy.atLeast ?? 1) ? { kind: 'done', outcome: 'all' } : { kind: 'failed' };
    }
  }

  /** At its deadline: the best so far, if the policy is content with that. */
  decideAtDeadline(): Decision {
    const { policy } = this.#origin;
    if (policy.kind !== 'deadline') return { kind: 'failed' };
    return this.#tally.ok >= (policy.atLeast ?? 1)
      ? { kind: 'done', outcome: 'deadline' }
      : { kind: 'failed' };
  }

  /** Throws PayloadsNeeded when values lie elsewhere and are not among these. */
  output(outcome: GatherOutput['outcome'], payloads: TurnRequest['payloads'] = {}): GatherOutput {
    const { ok, failed, duplicates, counts } = this.#tally;
    const { total } = this.#origin;
    return {
      outcome,
      total,
      ok,
      failed,
      missing: total - ok - failed,
      duplicates,
      counts,
      values: resolve(this.#values, payloads).toSorted((a, b) => a.index - b.index),
      errors: this.#errors,
    };
  }

  failure(childId: string): ErrorJson {
    const { ok, failed } = this.#tally;
    const { total } = this.#origin;
    const missing = total - ok - failed;
    const errors = this.#errors;
    return {
      code: 'GATHER_FAILED',
      message: `gather '${childId}': ${ok} of ${total} branches answered well, ${failed} failed, ${missing} are missing`,
      data: { total, ok, failed, missing, errors: errors as unknown as Json },
    };
  }

  toState(): GatherState {
    return {
      ...this.#origin,
      ...this.#tally,
      answered: encodeBits(this.#bits),
      values: [...this.#values],
      errors: [...this.#errors],
      links: [...this.#links],
    };
  }
}

/** A turn reads nothing: its host reads these and asks for the turn again. */
export class PayloadsNeeded extends Error {
  readonly refs: readonly PayloadRef[];

  constructor(refs: readonly PayloadRef[]) {
    super(`${refs.length} values lie in the payload store`);
    this.refs = refs;
  }
}

function resolve(values: readonly KeptValue[], payloads: Readonly<Record<string, Json>>): BranchValue[] {
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

/** Answers may carry `counts`, a record of numbers: their sums are all that a large fan-out keeps. */
function addCounts(sums: Tally['counts'], output: Json): Tally['counts'] {
  const counts =
    typeof output === 'object' && output !== null ? (output as { counts?: unknown }).counts : undefined;
  if (typeof counts !== 'object' || counts === null) return sums;
  const next: Record<string, number> = { ...sums };
  for (const [key, value] of Object.entries(counts)) {
    if (typeof value === 'number') next[key] = (Object.hasOwn(next, key) ? (next[key] ?? 0) : 0) + value;
  }
  return next;
}
