// The order in which letters are sent again. A host settles what it refuses in its own order, so the letters of one actor may have been
// set aside in another order than they were sent in. Here they change places, among the letters of their actor that lie near them.
import { placeOf } from '../actors/protocol/redrive.ts';
import { type InboundMessage, PROPERTY } from '../contract/wire.ts';

/** Letters that are looked ahead: more than all sessions of a host have in hand at once. */
const AHEAD = 4_096;

/** A letter without its body: many of them are in memory at once. */
export type Slim = Pick<
  InboundMessage,
  'sequenceNumber' | 'subject' | 'properties' | 'replyTo' | 'replyToSessionId'
>;

/** Those of an actor as they were sent to it; all others, and the places of all, as they come. */
export async function* asSent(
  letters: AsyncIterable<InboundMessage>,
  ahead = AHEAD,
): AsyncGenerator<Slim, void, undefined> {
  /** Whose turn it is, oldest first. */
  const turns: string[] = [];
  const waiting = new Map<string, Slim[]>();
  const next = (): Slim[] => {
    const of = turns.shift() ?? '';
    const those = waiting.get(of) ?? [];
    const first = those.shift();
    if (those.length === 0) waiting.delete(of);
    return first === undefined ? [] : [first];
  };
  for await (const letter of letters) {
    const slim = slimOf(letter);
    const { entity, session } = placeOf(letter);
    const of = session === '' ? `${slim.sequenceNumber}` : `${entity}\n${session}`;
    turns.push(of);
    waiting.set(of, withOne(waiting.get(of) ?? [], slim));
    if (turns.length > ahead) yield* next();
  }
  while (turns.length > 0) yield* next();
}

function withOne(letters: Slim[], letter: Slim): Slim[] {
  const at = letters.findLastIndex((one) => isBefore(one, letter)) + 1;
  letters.splice(at, 0, letter);
  return letters;
}

/** The number of a message that is set aside may be a new one: it decides within a millisecond. */
function isBefore(one: Slim, other: Slim): boolean {
  const [a, b] = [sentAt(one), sentAt(other)];
  return a.at === b.at ? a.number <= b.number : a.at < b.at;
}

function sentAt({ properties, sequenceNumber }: Slim): { readonly at: number; readonly number: number } {
  const { [PROPERTY.deadSent]: at, [PROPERTY.deadNumber]: number } = properties;
  return {
    at: typeof at === 'number' ? at : 0,
    number: typeof number === 'number' ? number : sequenceNumber,
  };
}

/** Of its properties those that say whose it is. */
export function slimOf({
  sequenceNumber,
  subject,
  properties,
  replyTo,
  replyToSessionId,
}: InboundMessage): Slim {
  const kept = [PROPERTY.deadFrom, PROPERTY.deadSession, PROPERTY.deadSent, PROPERTY.deadNumber] as const;
  return {
    sequenceNumber,
    subject,
    properties: Object.fromEntries(
      kept.flatMap((name) => {
        const value = properties[name];
        return value === undefined ? [] : [[name, value] as const];
      }),
    ),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(replyToSessionId === undefined ? {} : { replyToSessionId }),
  };
}
