// Settlements as frames, neighbours with the same outcome in one. rhea merges neighbouring deliveries of one pass without
// comparing the first two outcomes (`write_dispositions` in its session.js): an accepted and a refused message would both go
// out as accepted.
import { createRequire } from 'node:module';
import type { Delivery } from 'rhea';
import { onWire } from './guarded-session.ts';

interface Frames {
  disposition(fields: { role: boolean; first: number; last: number; settled: true; state: unknown }): unknown;
}

interface SettledDelivery {
  readonly id: number;
  /** What the peer calls it that has sent it. */
  readonly wire?: number;
  settled: boolean;
  remote_settled: boolean;
  link: { is_receiver(): boolean; session: DispositionSession };
}

export interface DispositionSession {
  readonly state: { readonly open_requests: number };
  is_open(): boolean;
  output(frame: unknown): void;
  connection: { _register(): void; dispositions?: Dispositions };
}

const frames = createRequire(import.meta.url)('rhea/lib/frames.js') as Frames;

interface Run {
  session: DispositionSession;
  role: boolean;
  first: number;
  last: number;
  state: unknown;
}

/** The settlements of one connection until its next pass; neighbours with the very same state share a frame. */
export class Dispositions {
  #runs: Run[] = [];

  add(delivery: SettledDelivery, state: unknown): void {
    const role = delivery.link.is_receiver();
    const { session } = delivery.link;
    const id = delivery.wire ?? onWire(delivery.id);
    const last = this.#runs.at(-1);
    if (
      last &&
      last.session === session &&
      last.role === role &&
      last.state === state &&
      last.last + 1 === id
    ) {
      last.last = id;
    } else {
      this.#runs.push({ session, role, first: id, last: id, state });
    }
  }

  write(): void {
    const runs = this.#runs;
    if (runs.length === 0) return;
    this.#runs = [];
    for (const run of runs) {
      const { session, role, first, last, state } = run;
      // Its begin has not been written.
      if (session.state.open_requests > 0) this.#runs.push(run);
      else if (session.is_open())
        session.output(frames.disposition({ role, first, last, settled: true, state }));
    }
  }
}

/**
 * The last word on a delivery. A receiver that settles second answers no more, so rhea, which would wait for that
 * with the slot in its buffer of 2048, is told that it has.
 */
export function settleDelivery(delivery: Delivery, state: unknown): void {
  const raw = delivery as unknown as SettledDelivery;
  const told = raw.remote_settled;
  raw.settled = true;
  raw.remote_settled = true;
  const { connection } = raw.link.session;
  if (!told) connection.dispositions?.add(raw, state);
  connection._register();
}
