// Translates outcomes of AMQP into what becomes of a message and back, and writes settlements as frames, neighbours with the
// same outcome in one.
import { createRequire } from 'node:module';
import type { Delivery } from 'rhea';
import type { PropertyChanges } from '../codec/rewrite.ts';
import { NULL } from '../codec/values.ts';
import { type Outcome, reason } from '../core/outcome.ts';
import type { ServiceError } from '../errors.ts';
import { onWire } from './guarded-session.ts';
import { encodeValue, messages, type Outcome as Wire } from './rhea.ts';

type Described = { described(): unknown };
type Typed = { value: unknown; type: unknown };

const outcomes = messages as unknown as {
  accepted(): Described;
  released(): Described;
  rejected(of: { error?: { condition: string; description: string } }): Described;
};

const DEAD_LETTER = 'com.microsoft:dead-letter';
const REASONS = ['DeadLetterReason', 'DeadLetterErrorDescription'];

export const accepted = outcomes.accepted().described();

export function rejected(error: ServiceError): unknown {
  return outcomes.rejected({ error: { condition: error.condition, description: error.message } }).described();
}

/** The outcome for the client that asked for it, without the error of a dead-lettering, which clients take for a failure. */
export function confirmation(asked: Wire): unknown {
  if (asked.constructor.composite_type === 'accepted') return accepted;
  if (asked.constructor.composite_type === 'rejected') return outcomes.rejected({}).described();
  return (asked as unknown as Described).described();
}

/** What a receiver's disposition asks for, in Service Bus's reading of the AMQP outcomes. */
export function toOutcome(wire: Wire): Outcome | undefined {
  switch (wire.constructor.composite_type) {
    case 'accepted':
      return { kind: 'complete' };
    case 'released':
      return { kind: 'release' };
    case 'rejected':
      return { kind: 'dead-letter', changes: deadLetterChanges(wire) };
    case 'modified': {
      const changes = encodedMap(wire.value?.[2]);
      return wire.undeliverable_here ? { kind: 'defer', changes } : { kind: 'abandon', changes };
    }
    default:
      return undefined;
  }
}

/** The reason travels in the error's info map; a plain rejection says it with condition and description. */
function deadLetterChanges(wire: Wire): PropertyChanges {
  const error = wire.value?.[0] as { value?: unknown[] } | undefined;
  const changes = encodedMap(error?.value?.[2]);
  // A reason or description that the client left open travels as null.
  for (const name of REASONS) if (changes.get(name)?.[0] === NULL) changes.delete(name);
  if (changes.size > 0 || wire.error?.condition === DEAD_LETTER) return changes;
  return reason(wire.error?.condition ?? undefined, wire.error?.description ?? undefined);
}

/** The values of a map as they were encoded, so that their types stay. */
function encodedMap(map: unknown): PropertyChanges {
  const changes: PropertyChanges = new Map();
  const items = (map as Typed | undefined)?.value;
  if (!Array.isArray(items)) return changes;
  for (let index = 0; index + 1 < items.length; index += 2) {
    const [name, value] = [items[index] as Typed, items[index + 1] as Typed];
    changes.set(String(name.value), encodeValue(value));
  }
  return changes;
}

// Settlements as frames, neighbours with the same outcome in one. rhea merges neighbouring deliveries of one pass without
// comparing the first two outcomes (`write_dispositions` in its session.js): an accepted and a refused message would both go
// out as accepted.

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

interface DispositionSession {
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
