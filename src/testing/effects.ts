// What left the actors in one run: tasks by their idempotency key, and messages from actor to actor by their id. The same
// key or id twice is a repeat, which its receiver knows; the same thing under two keys is a doubled effect.
import { parseTaskBody } from '../actors/protocol/messages.ts';
import { type InboundMessage, PROPERTY, type WireMessage } from '../contract/wire.ts';

const BETWEEN_ACTORS: ReadonlySet<string> = new Set(['start', 'event', 'stop']);

export class Effects {
  /** Idempotency key -> what was asked. */
  readonly #tasks = new Map<string, string>();
  /** Message id -> what it says, from whom, to whom. */
  readonly #messages = new Map<string, string>();

  asked(message: InboundMessage): void {
    const parsed = parseTaskBody(message);
    if (!parsed.ok) return;
    const { agent, key, input } = parsed.body;
    this.#tasks.set(key, `${agent} ${steadyText(input)}`);
  }

  sent(messages: readonly WireMessage[]): void {
    for (const { subject, messageId, properties, entity, sessionId } of messages) {
      const from = properties?.[PROPERTY.from];
      if (typeof from !== 'string' || !BETWEEN_ACTORS.has(subject)) continue;
      const what = properties?.[PROPERTY.eventType] ?? subject;
      this.#messages.set(messageId, steadyName(`${what} from ${from} to ${entity}/${sessionId ?? ''}`));
    }
  }

  /** As if nothing had happened yet. */
  clear(): void {
    this.#tasks.clear();
    this.#messages.clear();
  }

  /** How often each was asked or said. */
  counts(): { readonly calls: Record<string, number>; readonly messages: Record<string, number> } {
    return { calls: countOf(this.#tasks.values()), messages: countOf(this.#messages.values()) };
  }
}

export function countOf(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of [...values].toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

// Removes what may differ between two runs that ended the same: drawn names, the number of attempts of an agent that failed,
// and how many answers a gather saw twice.

type Fields = Readonly<Record<string, unknown>>;

/** Ids of children hold their parent's incarnation, which is drawn anew in each run. */
export function steadyName(name: string): string {
  return name.replaceAll(/~[0-9a-z]+/g, '~');
}

/** JSON without it. */
export function steadyText(value: unknown): string {
  const text = JSON.stringify(value ?? null, (_, part: unknown) => {
    if (!isFields(part)) return part;
    if (isFields(part['data']) && 'code' in part) return { ...part, data: without(part['data'], 'attempts') };
    if ('ok' in part && 'total' in part) return without(part, 'duplicates');
    return part;
  });
  return steadyName(text);
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name));
}

function isFields(part: unknown): part is Fields {
  return typeof part === 'object' && part !== null && !Array.isArray(part);
}
