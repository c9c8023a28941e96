// The remediation queue. Copies of dead letters are deferred there, so that they stay and are taken by number. Marks say
// which of them their askers have dealt with, and a sweep removes those once they are old. A letter that an asker knows of is
// logged when its mark has come, or has not come in time.
import { actorOf, REMEDIATION } from '../../contract/entities.ts';
import { toErrorJson } from '../../contract/errors.ts';
import type { Payloads } from '../../contract/payload.ts';
import type { Bridge, Clock, DeferredStore, Disposition, Logger } from '../../contract/ports.ts';
import { type InboundMessage, PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import { logAudit } from '../protocol/audit.ts';
import { removeClaims } from '../protocol/claims.ts';
import { hashId } from '../protocol/ids.ts';
import { parseAuditBody, parseError, parseMarkBody } from '../protocol/messages.ts';
import { inGroups } from './groups.ts';
import { createLetterLog } from './letter-log.ts';

/** For a mark: the way of a reply to its asker, a turn, and back. */
const PATIENCE_MS = 5_000;
/** A copy that another process has in hand is set aside within that; else its mark comes again. */
const PAUSES_MS = [0, 50, 200, 750, 2_000];
const MARKED_AT_ONCE = 16;
const PAGE = 100;
/** Sweeps are so far apart, in parts of the retention time, within these bounds. */
const SWEEPS = 10;
const LEAST_BETWEEN_MS = 1_000;
const MOST_BETWEEN_MS = 300_000;

interface RemediationHost {
  readonly bridge: Pick<Bridge, 'publish' | 'deferredStore'>;
  readonly payloads: Pick<Payloads, 'remove' | 'seal'>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** One that somebody has to look at. */
  readonly onDeadLetter: (entity: string, code: string) => void;
  readonly retentionMs: number;
}

interface Remediation {
  readonly onMessage: (message: InboundMessage) => Promise<Disposition>;
  /** Logs now the letters that wait for their marks. */
  readonly flush: () => void;
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly letter: InboundMessage;
}

export function createRemediation(host: RemediationHost): Remediation {
  const { bridge, clock } = host;
  const log = createLetterLog(host.logger, clock);
  const waiting = new Map<string, Waiting>();
  let opened: DeferredStore | undefined;
  const deferredStore = (): DeferredStore => (opened ??= bridge.deferredStore(REMEDIATION));
  const index = createLetterIndex(deferredStore);
  let swept = 0;

  const say = (letter: InboundMessage, handled: boolean): void => {
    const text = (name: string): string => String(letter.properties[name] ?? '');
    const { replyTo = '', replyToSessionId = '' } = letter;
    const [entity, sessionId] = [text(PROPERTY.deadFrom), text(PROPERTY.deadSession)];
    const description = text(PROPERTY.deadDescription);
    const code = text(PROPERTY.deadCode);
    if (!handled) host.onDeadLetter(entity, code);
    log({
      entity,
      sessionId,
      number: letter.sequenceNumber,
      error: { code, message: parseError(description)?.message ?? description },
      handled,
      actor: actorOf(entity, sessionId) ?? actorOf(replyTo, replyToSessionId),
    });
  };
  const told = (id: string, handled: boolean): void => {
    const known = waiting.get(id);
    if (known === undefined) return;
    clearTimeout(known.timer);
    waiting.delete(id);
    say(known.letter, handled);
  };
  /** Perhaps another process has taken its mark. */
  const look = async ({ messageId, sequenceNumber }: InboundMessage): Promise<void> => {
    const [found] = await deferredStore()
      .browse({ from: sequenceNumber, max: 1 })
      .catch(() => [undefined]);
    const isGone = found !== undefined && found.sequenceNumber !== sequenceNumber;
    told(messageId, isGone || found?.properties[PROPERTY.handled] === true);
  };
  const awaitMark = (letter: InboundMessage): void => {
    const timer = setTimeout(() => void look(letter), PATIENCE_MS);
    timer.unref();
    waiting.set(letter.messageId, { timer, letter });
  };

  /** One sweep for all that is marked at about the same time: its id is the same, so a repeat is dropped. */
  const expectSweep = async (): Promise<void> => {
    const between = Math.min(Math.max(host.retentionMs / SWEEPS, LEAST_BETWEEN_MS), MOST_BETWEEN_MS);
    const next = Math.floor(clock.now() / between) + 1;
    if (next === swept) return;
    await bridge.publish([
      {
        entity: REMEDIATION,
        subject: 'sweep',
        messageId: hashId('sweep', next),
        properties: { [PROPERTY.format]: WIRE_FORMAT },
        notBefore: Math.ceil(next * between + host.retentionMs),
        body: { kind: 'sweep' },
      },
    ]);
    swept = next;
  };

  const setAside = inGroups(async (letters) => {
    for (const letter of letters) {
      index.put(letter.messageId, letter.sequenceNumber);
      if (letter.deliveryCount > 0) continue;
      if (letter.properties[PROPERTY.asked] === true) awaitMark(letter);
      else say(letter, letter.properties[PROPERTY.handled] === true);
    }
    if (letters.some(({ properties }) => properties[PROPERTY.handled] === true)) await expectSweep();
    return letters.map(() => ({ kind: 'defer' }));
  });

  const markOne = async (number: number): Promise<void> => {
    for (const pause of PAUSES_MS) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      const taken = await deferredStore().take(number, async () => ({ kind: 'defer', handled: true }));
      if (taken === 'taken') return;
      const [found] = await deferredStore().browse({ from: number, max: 1 });
      // The letter was redriven or discarded meanwhile.
      if (found?.sequenceNumber !== number) return;
    }
    throw new Error(`letter ${number} is not set aside yet`);
  };
  const mark = async (message: InboundMessage): Promise<Disposition> => {
    const parsed = parseMarkBody(message);
    if (!parsed.ok) return { kind: 'deadLetter', reason: 'INPUT_INVALID', description: parsed.why };
    const { marks } = parsed.body;
    const handled = marks.filter((one) => one.handled).map(({ letter }) => letter);
    const numbers = await index.locate(handled, message.sequenceNumber);
    for (let from = 0; from < numbers.length; from += MARKED_AT_ONCE)
      await Promise.all(numbers.slice(from, from + MARKED_AT_ONCE).map(markOne));
    if (numbers.length > 0) await expectSweep();
    for (const one of marks) told(one.letter, one.handled);
    return { kind: 'complete' };
  };

  const audit = (message: InboundMessage): Disposition => {
    const parsed = parseAuditBody(message);
    if (!parsed.ok) return { kind: 'deadLetter', reason: 'INPUT_INVALID', description: parsed.why };
    logAudit(host.logger, parsed.body);
    return { kind: 'complete' };
  };

  const sweep = async (): Promise<Disposition> => {
    const until = clock.now() - host.retentionMs;
    for (let from = 0; ; ) {
      const page = await deferredStore().browse({ from, max: PAGE });
      const last = page.at(-1);
      if (last === undefined) return { kind: 'complete' };
      for (const { sequenceNumber, properties, enqueuedAt } of page) {
        if (properties[PROPERTY.handled] !== true || enqueuedAt > until) continue;
        await deferredStore().take(sequenceNumber, async (letter) => {
          await removeClaims(letter, host.payloads);
          return { kind: 'complete' };
        });
      }
      from = last.sequenceNumber + 1;
    }
  };

  return {
    onMessage: async (message) => {
      if (message.subject === 'audit') return audit(message);
      if (message.subject !== 'mark' && message.subject !== 'sweep') return setAside(message);
      try {
        return await (message.subject === 'mark' ? mark(message) : sweep());
      } catch (thrown) {
        const { code, message: why } = toErrorJson(thrown, 'CONNECTION_FAILED');
        host.logger.debug(`a ${message.subject} of dead letters comes again: ${why}`, { code });
        throw thrown;
      }
    },
    flush: () => {
      for (const id of waiting.keys()) told(id, false);
    },
  };
}

// Finds the copy of a dead letter in the remediation queue by its id. A process knows the copies that it has set aside.
// Others are found by looking back from the mark, which was sent after the copy and so lies behind it.

const MOST_KNOWN = 10_000;
const LOOKED_THROUGH = 100;
/** How far back the first look goes; each further one goes four times as far. */
const FIRST_SPAN = 100;
const WIDER = 4;

interface LetterIndex {
  put(id: string, number: number): void;
  /** Numbers of those that are there, in front of the given one. */
  locate(ids: readonly string[], before: number): Promise<readonly number[]>;
}

export function createLetterIndex(deferredStore: () => Pick<DeferredStore, 'browse'>): LetterIndex {
  const known = new Map<string, number>();

  /** Takes from `missing` what is found between two numbers. */
  const lookThrough = async (from: number, to: number, missing: Set<string>): Promise<number[]> => {
    const found: number[] = [];
    for (let next = from; next < to && missing.size > 0; ) {
      const page = await deferredStore().browse({ from: next, max: LOOKED_THROUGH });
      for (const { messageId, sequenceNumber } of page)
        if (sequenceNumber < to && missing.delete(messageId)) found.push(sequenceNumber);
      const last = page.at(-1);
      if (last === undefined) break;
      next = last.sequenceNumber + 1;
    }
    return found;
  };

  return {
    put: (id, number) => {
      known.set(id, number);
      if (known.size <= MOST_KNOWN) return;
      for (const oldest of known.keys()) {
        known.delete(oldest);
        return;
      }
    },
    locate: async (ids, before) => {
      const numbers = ids.flatMap((id) => known.get(id) ?? []);
      const missing = new Set(ids.filter((id) => !known.has(id)));
      for (let to = before, span = FIRST_SPAN; to > 0 && missing.size > 0; span *= WIDER) {
        const from = Math.max(0, to - span);
        numbers.push(...(await lookThrough(from, to, missing)));
        to = from;
      }
      return numbers;
    },
  };
}
