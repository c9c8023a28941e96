// The books of a budget: what it may use, what it has used, and what is reserved for work that is under way. Pure. Nothing is
// reserved beyond the limit, so settled and reserved together never pass it by more than attempts used beyond what was reserved
// for them. An amount is money and tokens; a budget limits either or both.
import { type Funds, NO_FUNDS } from '../../../contract/usage.ts';

/** What is absent is not limited. */
export interface Limit {
  readonly microUsd?: number;
  readonly tokens?: number;
}

/** Of one execution: `count` attempts are under way, each with so much. */
export interface Reserved {
  readonly each: Funds;
  readonly count: number;
  /** Of a scatter: base64 of a bit set, the branches with an attempt under way. */
  readonly branches?: string;
  /** Nobody waits for them any more: what has not been heard of then was never begun (epoch ms). */
  readonly until?: number;
}

export interface Ledger {
  readonly limit: Limit;
  readonly spent: Funds;
  /** By execution. A child has one, of what it was given and has not used. */
  readonly reserved: Readonly<Record<string, Reserved>>;
}

export function newLedger(limit: Limit): Ledger {
  return { limit, spent: NO_FUNDS, reserved: {} };
}

export function plus(a: Funds, b: Funds): Funds {
  return { microUsd: a.microUsd + b.microUsd, tokens: a.tokens + b.tokens };
}

function minus(a: Funds, b: Funds): Funds {
  return { microUsd: Math.max(0, a.microUsd - b.microUsd), tokens: Math.max(0, a.tokens - b.tokens) };
}

export function reservedOf({ reserved }: Pick<Ledger, 'reserved'>): Funds {
  return Object.values(reserved).reduce(
    (sum, { each, count }) => plus(sum, { microUsd: each.microUsd * count, tokens: each.tokens * count }),
    NO_FUNDS,
  );
}

/** Neither used nor reserved; Infinity where there is no limit. */
export function available(ledger: Ledger): Funds {
  const { limit, spent } = ledger;
  const taken = plus(spent, reservedOf(ledger));
  const left = (of: number | undefined, used: number): number =>
    of === undefined ? Number.POSITIVE_INFINITY : Math.max(0, of - used);
  return { microUsd: left(limit.microUsd, taken.microUsd), tokens: left(limit.tokens, taken.tokens) };
}

/** How many attempts of this size may begin. Of those that cost nothing any number. */
export function roomFor(ledger: Ledger, each: Funds): number {
  const { microUsd, tokens } = available(ledger);
  const fit = (left: number, one: number): number =>
    one === 0 ? Number.POSITIVE_INFINITY : Math.floor(left / one);
  return Math.min(fit(microUsd, each.microUsd), fit(tokens, each.tokens));
}

/** One attempt at a task, or what a child is given. There is to be room for it. */
export function reserve(ledger: Ledger, execution: string, each: Funds): Ledger {
  return put(ledger, execution, { each, count: 1 });
}

/** An attempt at each of these branches. There is to be room for them, and all of an execution are of one size. */
export function reserveBranches(
  ledger: Ledger,
  execution: string,
  each: Funds,
  branches: Iterable<number>,
): Ledger {
  const known = ledger.reserved[execution];
  const bits = new Bits(known?.branches);
  for (const branch of branches) bits.set(branch, true);
  return put(ledger, execution, { ...known, each, count: bits.count, branches: bits.toText() });
}

/** An attempt is over, and used this. One that nothing is reserved for was settled before: it is added only. */
export function settle(
  ledger: Ledger,
  { execution, branch }: { readonly execution: string; readonly branch?: number | undefined },
  used: Funds,
): Ledger {
  const known = ledger.reserved[execution];
  const spent = spend(ledger, used);
  if (known === undefined) return spent;
  if (known.branches === undefined) return put(spent, execution, { ...known, count: 0 });
  const bits = new Bits(known.branches);
  bits.set(branch ?? 0, false);
  return put(spent, execution, { ...known, count: bits.count, branches: bits.toText() });
}

/** What is reserved for the attempt that is under way there; undefined where none is. */
export function reservedAt(
  { reserved }: Ledger,
  { execution, branch }: { readonly execution: string; readonly branch?: number | undefined },
): Funds | undefined {
  const known = reserved[execution];
  if (known === undefined || known.count === 0) return undefined;
  const isThere = known.branches === undefined || new Bits(known.branches).has(branch ?? 0);
  return isThere ? known.each : undefined;
}

/** Used beside all reservations: what was told late. */
export function spend<L extends Ledger>(ledger: L, used: Funds): L {
  return { ...ledger, spent: plus(ledger.spent, used) };
}

/** A child used this of what it was given. */
export function spendOf(ledger: Ledger, execution: string, used: Funds): Ledger {
  const known = ledger.reserved[execution];
  const spent = spend(ledger, used);
  return known === undefined ? spent : put(spent, execution, { ...known, each: minus(known.each, used) });
}

/** A child gets more. There is to be room for it. */
export function reserveMore(ledger: Ledger, execution: string, more: Funds): Ledger {
  const known = ledger.reserved[execution];
  return put(ledger, execution, { each: plus(known?.each ?? NO_FUNDS, more), count: 1 });
}

/** A child has ended: what it holds for attempts under way stays reserved, the rest has come back. */
export function keepOf(ledger: Ledger, execution: string, held: Funds, until: number): Ledger {
  const known = ledger.reserved[execution];
  return known === undefined ? ledger : put(ledger, execution, { each: held, count: 1, until });
}

/** Nobody waits for the attempts of this execution any more. */
export function letGoOf(ledger: Ledger, execution: string, until: number): Ledger {
  const known = ledger.reserved[execution];
  return known === undefined ? ledger : put(ledger, execution, { ...known, until });
}

/** Without reservations of what was never begun. */
export function expire(ledger: Ledger, now: number): Ledger {
  const over = Object.entries(ledger.reserved).filter(([, { until }]) => until !== undefined && until <= now);
  return over.reduce((left, [execution]) => put(left, execution, { each: NO_FUNDS, count: 0 }), ledger);
}

/** With more to use. What was not limited stays unlimited. */
export function grant(ledger: Ledger, more: Funds): Ledger {
  const { microUsd, tokens } = ledger.limit;
  return {
    ...ledger,
    limit: {
      ...(microUsd === undefined ? {} : { microUsd: microUsd + more.microUsd }),
      ...(tokens === undefined ? {} : { tokens: tokens + more.tokens }),
    },
  };
}

/** Whether that part of a limit is used. */
export function isLow({ limit, spent }: Ledger, share: number): boolean {
  const low = (of: number | undefined, used: number): boolean => of !== undefined && used >= of * share;
  return low(limit.microUsd, spent.microUsd) || low(limit.tokens, spent.tokens);
}

function put(ledger: Ledger, execution: string, reserved: Reserved): Ledger {
  const { [execution]: _, ...others } = ledger.reserved;
  const isEmpty = reserved.count === 0 || (reserved.each.microUsd === 0 && reserved.each.tokens === 0);
  return { ...ledger, reserved: isEmpty ? others : { ...others, [execution]: reserved } };
}

class Bits {
  #bytes: Buffer;

  constructor(text = '') {
    this.#bytes = Buffer.from(text, 'base64');
  }

  set(at: number, value: boolean): void {
    const byte = at >> 3;
    if (byte >= this.#bytes.length && value)
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(byte + 1 - this.#bytes.length)]);
    if (byte >= this.#bytes.length) return;
    const bit = 1 << (at & 7);
    const before = this.#bytes[byte] ?? 0;
    this.#bytes[byte] = value ? before | bit : before & ~bit;
  }

  has(at: number): boolean {
    return ((this.#bytes[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }

  get count(): number {
    let count = 0;
    for (const byte of this.#bytes) for (let rest = byte; rest > 0; rest &= rest - 1) count += 1;
    return count;
  }

  toText(): string {
    return this.#bytes.toString('base64');
  }
}
