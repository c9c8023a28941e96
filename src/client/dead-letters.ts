// The remediation queue as a list that people work through. Its letters are deferred there by the hosts, so that they
// stay, can be browsed, and are taken by number.
import { removeClaims } from '../actors/protocol/claims.ts';
import { hashId } from '../actors/protocol/ids.ts';
import { parseTaskBody } from '../actors/protocol/messages.ts';
import { throwIfAborted } from '../common/signals.ts';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterSelection,
  DeadLetters,
  Remedied,
  RemedyOptions,
} from '../contract/dead-letters.ts';
import { actorOf, REMEDIATION } from '../contract/entities.ts';
import { toErrorJson } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { Payloads } from '../contract/payload.ts';
import type { Bridge, Clock, DeferredStore } from '../contract/ports.ts';
import type { InboundMessage, WireMessage } from '../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../contract/wire.ts';

const PAGE = 100;
const DEFAULT_LIMIT = 100;
/** Deadline of a redriven task: the default of every agent. */
const REDRIVE_DEADLINE_MS = 600_000;

export function createDeadLetters(
  bridge: Pick<Bridge, 'publish' | 'deferredStore'>,
  payloads: Pick<Payloads, 'remove' | 'seal'>,
  clock: Clock = { now: Date.now },
): DeadLetters {
  let opened: DeferredStore | undefined;
  const deferredStore = (): DeferredStore => (opened ??= bridge.deferredStore(REMEDIATION));

  /** All from a number on that match, page by page. */
  async function* matching(
    filter: DeadLetterFilter,
    from: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<DeadLetter, void, undefined> {
    for (let next = from; ; ) {
      throwIfAborted(signal);
      const page = await deferredStore().browse({ from: next, max: PAGE });
      for (const message of page) {
        if (isOwnMessage(message)) continue;
        const letter = toLetter(message);
        if (matches(letter, filter)) yield letter;
      }
      const last = page.at(-1);
      // A page may be short of what was asked for; only an empty one is the end.
      if (last === undefined) return;
      next = last.sequenceNumber + 1;
    }
  }

  async function* remedy(
    selection: DeadLetterSelection,
    { dryRun = false, signal }: RemedyOptions,
    verb: 'redrive' | 'discard',
  ): AsyncGenerator<Remedied, void, undefined> {
    const numbers = 'length' in selection ? selection : numbersOf(matching(selection, 0, signal));
    for await (const number of numbers) {
      throwIfAborted(signal);
      if (dryRun) {
        const found = await find(number);
        yield { number, outcome: found === undefined ? 'gone' : (`would-${verb}` as const) };
        continue;
      }
      try {
        const taken = await deferredStore().take(number, async (message) => {
          if (verb === 'redrive') await bridge.publish([redriven(message, clock.now())]);
          else await removeClaims(message, payloads);
          return { kind: 'complete' };
        });
        yield { number, outcome: taken === 'gone' ? 'gone' : verb === 'redrive' ? 'redriven' : 'discarded' };
      } catch (error) {
        const { code, message } = toErrorJson(error, 'CONNECTION_FAILED');
        if (code !== 'TOPOLOGY_MISMATCH' && code !== 'EFFECT_TOO_LARGE') throw error;
        yield { number, outcome: 'refused', why: message };
      }
    }
  }

  const find = async (number: number): Promise<InboundMessage | undefined> => {
    const [message] = await deferredStore().browse({ from: number, max: 1 });
    return message?.sequenceNumber === number && !isOwnMessage(message) ? message : undefined;
  };

  return {
    list: async ({ from = 0, limit = DEFAULT_LIMIT, signal, ...filter } = {}) => {
      const items: DeadLetter[] = [];
      for await (const letter of matching(filter, from, signal)) {
        if (items.length === limit) return { items, next: letter.number };
        items.push(letter);
      }
      return { items };
    },
    show: async (number) => {
      const message = await find(number);
      return message === undefined ? undefined : { ...toLetter(message), body: message.body as Json };
    },
    redrive: (selection, options = {}) => remedy(selection, options, 'redrive'),
    discard: (selection, options = {}) => remedy(selection, options, 'discard'),
  };
}

async function* numbersOf(letters: AsyncIterable<DeadLetter>): AsyncGenerator<number, void, undefined> {
  for await (const { number } of letters) yield number;
}

function toLetter(message: InboundMessage): DeadLetter {
  const { properties, replyTo, replyToSessionId, sequenceNumber, enqueuedAt, subject, traceparent } = message;
  const text = (name: string): string => String(properties[name] ?? '');
  const from = text(PROPERTY.deadFrom);
  const session = text(PROPERTY.deadSession);
  const actor = session === '' ? actorOf(replyTo ?? '', replyToSessionId ?? '') : actorOf(from, session);
  const agent = text(PROPERTY.agent);
  return {
    number: sequenceNumber,
    at: enqueuedAt,
    kind: subject,
    from,
    code: text(PROPERTY.deadCode),
    reason: text(PROPERTY.deadReason),
    description: text(PROPERTY.deadDescription),
    handled: properties[PROPERTY.handled] === true,
    ...(actor === undefined ? {} : { actor }),
    ...(agent === '' ? {} : { agent }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** Marks and sweeps of the queue itself. */
function isOwnMessage({ subject }: InboundMessage): boolean {
  return subject === 'mark' || subject === 'sweep';
}

function matches(letter: DeadLetter, { code, agent, actor, all }: DeadLetterFilter): boolean {
  return (
    (all === true || !letter.handled) &&
    (code === undefined || letter.code === code) &&
    (agent === undefined || letter.agent === agent) &&
    (actor === undefined || letter.actor === actor || letter.actor?.startsWith(`${actor}/`) === true)
  );
}

/**
 * Removes the sender and the number of the effect, which were judged once: it comes as the redrive of this letter, once
 * (I3, I4).
 */
const SHED: ReadonlySet<string> = new Set([
  PROPERTY.from,
  PROPERTY.incarnation,
  PROPERTY.turn,
  PROPERTY.index,
  PROPERTY.deadFrom,
  PROPERTY.deadSession,
  PROPERTY.deadReason,
  PROPERTY.deadCode,
  PROPERTY.deadDescription,
  PROPERTY.handled,
  PROPERTY.letter,
  PROPERTY.asked,
]);

function redriven(message: InboundMessage, now: number): WireMessage {
  const { properties, replyTo, replyToSessionId, traceparent, sequenceNumber } = message;
  const entity = String(properties[PROPERTY.deadFrom] ?? '');
  const session = String(properties[PROPERTY.deadSession] ?? '');
  const kept = Object.fromEntries(Object.entries(properties).filter(([name]) => !SHED.has(name)));
  const key = hashId('redrive', sequenceNumber);
  const task = message.subject === 'task' ? parseTaskBody(message) : undefined;
  const deadlineAt = now + REDRIVE_DEADLINE_MS;
  return {
    entity,
    subject: message.subject as WireMessage['subject'],
    messageId: key,
    properties: {
      ...kept,
      [PROPERTY.format]: WIRE_FORMAT,
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

/** Its attempts are counted anew. */
function redrivenBody({ subject }: InboundMessage, body: unknown): Json {
  return (subject === 'task' || subject === 'action' ? { ...(body as object), attempt: 1 } : body) as Json;
}
