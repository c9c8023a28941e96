// A dead letter as it is sent again. Who redrives sends it, and who foresees a redrive applies the same message (I3, I4).
import type { LetterEdited } from '../../contract/dead-letters.ts';
import type { Json } from '../../contract/json.ts';
import type { InboundMessage, WireMessage } from '../../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import { withEarlier } from './audit.ts';
import { withEdit } from './edits.ts';
import { hashId } from './ids.ts';
import { parseTaskBody } from './messages.ts';

/** Deadline of a redriven task: the default of every agent. */
const REDRIVE_DEADLINE_MS = 600_000;

/**
 * Removes the sender and the number of the effect, which were judged once: it comes as the redrive of this letter, once
 * (I3, I4). How often its hosts were gone and how often it was put off is counted anew, as its attempts are.
 */
const SHED: ReadonlySet<string> = new Set([
  PROPERTY.from,
  PROPERTY.incarnation,
  PROPERTY.turn,
  PROPERTY.index,
  PROPERTY.waits,
  PROPERTY.putOffs,
  PROPERTY.lost,
  PROPERTY.deadFrom,
  PROPERTY.deadSession,
  PROPERTY.deadReason,
  PROPERTY.deadCode,
  PROPERTY.deadDescription,
  PROPERTY.deadSent,
  PROPERTY.deadNumber,
  PROPERTY.handled,
  PROPERTY.letter,
  PROPERTY.asked,
]);

/** What is said to the remediation queue itself. */
export function isOwnMessage({ subject }: InboundMessage): boolean {
  return subject === 'mark' || subject === 'sweep' || subject === 'audit';
}

/** Where a letter failed: its entity, and of an actor's the session. Empty where nothing says so: no host of ours has set it aside. */
export function placeOf({ properties }: Pick<InboundMessage, 'properties'>): {
  readonly entity: string;
  readonly session: string;
} {
  const text = (name: string): string => String(properties[name] ?? '');
  return { entity: text(PROPERTY.deadFrom), session: text(PROPERTY.deadSession) };
}

/** `by`: who sends it again, when it is not only tried out. */
export function redriven(letter: InboundMessage, now: number, by?: LetterEdited): WireMessage {
  const message = withEdit(letter);
  const { properties, replyTo, replyToSessionId, traceparent, sequenceNumber } = message;
  const { entity, session } = placeOf(message);
  const kept = Object.fromEntries(Object.entries(properties).filter(([name]) => !SHED.has(name)));
  // An edited letter is another message: one that was sent before it was edited does not count as this one.
  const edit = letter.properties[PROPERTY.edited];
  const key =
    edit === undefined ? hashId('redrive', sequenceNumber) : hashId('redrive', sequenceNumber, String(edit));
  const task = message.subject === 'task' ? parseTaskBody(message) : undefined;
  const deadlineAt = now + REDRIVE_DEADLINE_MS;
  return {
    entity,
    subject: message.subject as WireMessage['subject'],
    messageId: key,
    properties: {
      ...kept,
      [PROPERTY.format]: WIRE_FORMAT,
      ...(by === undefined ? {} : { [PROPERTY.earlier]: withEarlier(letter, by) }),
      ...(task === undefined
        ? { [PROPERTY.key]: key }
        : {
            [PROPERTY.deadline]: deadlineAt,
            [PROPERTY.attempt]: 1,
            [PROPERTY.redriven]: sequenceNumber,
          }),
    },
    body: redrivenBody(message, task?.ok === true ? { ...task.body, deadlineAt } : message.body),
    ...(session === '' ? {} : { sessionId: session }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(replyToSessionId === undefined ? {} : { replyToSessionId }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(task === undefined ? {} : { timeToLiveMs: REDRIVE_DEADLINE_MS }),
  };
}

/** Its attempts are counted anew. What is no body of ours is sent as it is. */
function redrivenBody({ subject }: InboundMessage, body: unknown): Json {
  const isCounted = subject === 'task' || subject === 'action';
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  return (isCounted && isObject ? { ...body, attempt: 1 } : body) as Json;
}
