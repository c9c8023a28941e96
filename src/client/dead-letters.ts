// The remediation queue as a list that people work through. Its letters are deferred there by the hosts, so that they
// stay, can be browsed, and are taken by number.
import { doneBy, earlierOf, toAudit } from '../actors/protocol/audit.ts';
import { openClaims } from '../actors/protocol/claims.ts';
import { editOf, toEdit, withEdit } from '../actors/protocol/edits.ts';
import { parseError } from '../actors/protocol/messages.ts';
import { isOwnMessage } from '../actors/protocol/redrive.ts';
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
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { Payloads } from '../contract/payload.ts';
import type { Bridge, Clock, DeferredStore } from '../contract/ports.ts';
import type { InboundMessage } from '../contract/wire.ts';
import { PROPERTY } from '../contract/wire.ts';
import type { Requests } from '../mailbox/requests.ts';
import { createForesight } from './foresight.ts';
import { asSent, type Slim, slimOf } from './letter-order.ts';
import { remedy } from './remedy.ts';

const PAGE = 100;
const DEFAULT_LIMIT = 100;
/** Letters of a dry run that are computed at a time: without their bodies, a few MB. */
const WINDOW = 8_192;
/** Numbers are given in the order in which letters come; their times may differ from that by a little. */
const SKEW_MS = 60_000;

export function createDeadLetters(
  bridge: Pick<Bridge, 'publish' | 'deferredStore'>,
  payloads: Payloads,
  requests: Pick<Requests, 'ask'>,
  clock: Clock = { now: Date.now },
): DeadLetters {
  let opened: DeferredStore | undefined;
  const deferredStore = (): DeferredStore => (opened ??= bridge.deferredStore(REMEDIATION));

  /** All from a number on that match, page by page. */
  async function* matching(
    filter: DeadLetterFilter,
    from: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<InboundMessage, void, undefined> {
    for (let next = from; ; ) {
      throwIfAborted(signal);
      const page = await deferredStore().browse({ from: next, max: PAGE });
      for (const message of page)
        if (!isOwnMessage(message) && matches(toLetter(message), filter)) yield message;
      const last = page.at(-1);
      // A page may be short of what was asked for; only an empty one is the end.
      if (last === undefined || (filter.until !== undefined && last.enqueuedAt > filter.until + SKEW_MS))
        return;
      next = last.sequenceNumber + 1;
    }
  }

  /** What fails again comes back as another letter: it would be sent for ever. */
  const thereNow = (filter: DeadLetterFilter): DeadLetterFilter => ({
    ...filter,
    until: Math.min(filter.until ?? Number.POSITIVE_INFINITY, clock.now()),
  });

  const work = (
    selection: DeadLetterSelection,
    options: RemedyOptions,
    verb: 'redrive' | 'discard',
  ): AsyncGenerator<Remedied, void, undefined> => {
    const { signal } = options;
    const numbers =
      'length' in selection ? selection : numbersOf(asSent(matching(thereNow(selection), 0, signal)));
    return remedy({ store: deferredStore(), bridge, payloads, clock }, verb, numbers, options);
  };

  async function* look(
    selection: DeadLetterSelection,
    options: RemedyOptions,
    verb: 'redrive' | 'discard',
  ): AsyncGenerator<Remedied, void, undefined> {
    const { signal } = options;
    const foresight = verb === 'redrive' ? createForesight(requests, options) : undefined;
    const chosen = 'length' in selection ? found(selection, signal) : asSent(matching(selection, 0, signal));
    for await (const window of windowsOf(chosen)) {
      const there = window.flatMap((one) => (typeof one === 'number' ? [] : [one]));
      const foreseen = ((await foresight?.foresee(there)) ?? []).values();
      for (const one of window) {
        if (typeof one === 'number') {
          yield { number: one, outcome: 'gone' };
          continue;
        }
        const { value: of } = foreseen.next();
        const number = one.sequenceNumber;
        yield { number, outcome: `would-${verb}`, ...(of === undefined ? {} : { foresight: of }) };
      }
    }
  }

  /** The number where nothing is. */
  async function* found(
    numbers: readonly number[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Slim | number, void, undefined> {
    for (const number of numbers) {
      throwIfAborted(signal);
      const letter = await find(number);
      yield letter === undefined ? number : slimOf(letter);
    }
  }

  const find = async (number: number): Promise<InboundMessage | undefined> => {
    const [message] = await deferredStore().browse({ from: number, max: 1 });
    return message?.sequenceNumber === number && !isOwnMessage(message) ? message : undefined;
  };

  return {
    list: async ({ from = 0, limit = DEFAULT_LIMIT, signal, ...filter } = {}) => {
      const items: DeadLetter[] = [];
      for await (const message of matching(filter, from, signal)) {
        if (items.length === limit) return { items, next: message.sequenceNumber };
        items.push(toLetter(message));
      }
      return { items };
    },
    show: async (number) => {
      const message = await find(number);
      if (message === undefined) return undefined;
      const edited = withEdit(message);
      const was = edited === message ? {} : { was: message.body as Json };
      return { ...toLetter(message), body: edited.body as Json, ...was };
    },
    edit: async (number, { body, set, by = '', why }) => {
      if ((body === undefined) === (set === undefined))
        throw new QuorateError('INPUT_INVALID', 'an edit has a body, or values to set');
      const taken = await deferredStore().take(number, async (message) => {
        // Values lie where the whole body is: one that is claimed is read for it.
        const base = set === undefined ? undefined : await openClaims(withEdit(message), payloads);
        const changed = body ?? withValues(base?.body as Json, set ?? {});
        const done = doneBy(by, clock.now(), why);
        const edited = await toEdit(message, changed, done, payloads);
        await bridge.publish([toAudit('edited', [number], done)]);
        return { kind: 'defer', edited };
      });
      return taken === 'gone' ? 'gone' : 'edited';
    },
    redrive: (selection, options = {}) =>
      (options.dryRun === true ? look : work)(selection, options, 'redrive'),
    discard: (selection, options = {}) =>
      (options.dryRun === true ? look : work)(selection, options, 'discard'),
  };
}

async function* numbersOf(letters: AsyncIterable<Slim>): AsyncGenerator<number, void, undefined> {
  for await (const { sequenceNumber } of letters) yield sequenceNumber;
}

async function* windowsOf(
  letters: AsyncIterable<Slim | number>,
): AsyncGenerator<readonly (Slim | number)[], void, undefined> {
  let window: (Slim | number)[] = [];
  for await (const letter of letters) {
    window.push(letter);
    if (window.length < WINDOW) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}

function toLetter(message: InboundMessage): DeadLetter {
  const { properties, replyTo, replyToSessionId, sequenceNumber, enqueuedAt, subject, traceparent } = message;
  const text = (name: string): string => String(properties[name] ?? '');
  const from = text(PROPERTY.deadFrom);
  const session = text(PROPERTY.deadSession);
  const actor = session === '' ? actorOf(replyTo ?? '', replyToSessionId ?? '') : actorOf(from, session);
  const agent = text(PROPERTY.agent);
  const edit = editOf(message);
  const earlier = earlierOf(message);
  const error = parseError(text(PROPERTY.deadDescription));
  return {
    number: sequenceNumber,
    at: enqueuedAt,
    kind: subject,
    from,
    code: text(PROPERTY.deadCode),
    reason: text(PROPERTY.deadReason),
    description: error?.message ?? text(PROPERTY.deadDescription),
    ...(error?.data === undefined ? {} : { data: error.data }),
    handled: properties[PROPERTY.handled] === true,
    ...(actor === undefined ? {} : { actor }),
    ...(agent === '' ? {} : { agent }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(edit === undefined ? {} : { edited: doneBy(edit.by, edit.at, edit.why) }),
    ...(earlier.length === 0 ? {} : { earlier }),
  };
}

/** Paths are names and numbers with dots between: `event.lines.0.price`. */
function withValues(body: Json, set: Readonly<Record<string, Json>>): Json {
  const copy = structuredClone(body);
  for (const [path, value] of Object.entries(set)) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let place = copy;
    for (const name of names) place = within(place, name, path);
    within(place, last, path, value);
  }
  return copy;
}

function within(place: Json, name: string, path: string, value?: Json): Json {
  const isThere =
    typeof place === 'object' && place !== null && (value !== undefined || Object.hasOwn(place, name));
  if (!isThere || name === '__proto__')
    throw new QuorateError('INPUT_INVALID', `there is nothing at '${path}': no '${name}'`);
  const object = place as Record<string, Json>;
  if (value !== undefined) object[name] = value;
  return object[name] ?? null;
}

function matches(letter: DeadLetter, { code, agent, actor, all, since, until }: DeadLetterFilter): boolean {
  return (
    (since === undefined || letter.at >= since) &&
    (until === undefined || letter.at < until) &&
    (all === true || !letter.handled) &&
    (code === undefined || letter.code === code) &&
    (agent === undefined || letter.agent === agent) &&
    (actor === undefined || letter.actor === actor || letter.actor?.startsWith(`${actor}/`) === true)
  );
}
