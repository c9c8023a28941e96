// Outcomes of AMQP as what becomes of a message, and back to the client who asked for it.
import type { PropertyChanges } from '../codec/rewrite.ts';
import { NULL } from '../codec/values.ts';
import { type Outcome, reason } from '../core/outcome.ts';
import type { ServiceError } from '../errors.ts';
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

/** The outcome back to who asked for it; without the error of a dead-lettering, which clients take for a failure. */
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
