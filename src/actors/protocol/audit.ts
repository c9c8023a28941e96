// What people did to dead letters, for those who ask later (docs/decisions/0173). Each edit, redrive and discard is told to the remediation
// queue, and a host logs it. A letter that is sent again takes along what was done to it, and still says so when it comes back.
import { z } from 'zod';
import type { LetterEdited, LetterRedriven } from '../../contract/dead-letters.ts';
import { REMEDIATION } from '../../contract/entities.ts';
import type { AuditBody } from '../../contract/letters.ts';
import type { Logger } from '../../contract/ports.ts';
import { type InboundMessage, PROPERTY, WIRE_FORMAT, type WireMessage } from '../../contract/wire.ts';
import { editOf } from './edits.ts';
import { hashId } from './ids.ts';

const LONGEST_NAME = 128;
/** As long as a text of the log may be. */
const LONGEST_WHY = 300;
/** Numbers that fit a text of the log. */
const IN_A_LINE = 16;
/** Times that a letter was sent again, of which it still says so. */
const MOST_EARLIER = 5;

/** Who does something now; texts as long as they may be. */
export function doneBy(by: string, at: number, why: string | undefined): LetterEdited {
  const reason = why === undefined ? {} : { why: onOneLine(why, LONGEST_WHY) };
  return { by: onOneLine(by, LONGEST_NAME), at, ...reason };
}

/** They are shown in logs and at terminals. */
function onOneLine(text: string, most: number): string {
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, most);
}

/** One for all letters of a window. A redrive or discard that is done again says the same under the same id, an edit is another one. */
export function toAudit(
  what: AuditBody['what'],
  letters: readonly number[],
  done: LetterEdited,
): WireMessage {
  const time = what === 'edited' ? [done.at] : [];
  return {
    entity: REMEDIATION,
    subject: 'audit',
    messageId: hashId('audit', what, ...letters, ...time),
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: { kind: 'audit', what, letters: [...letters], ...done },
  };
}

const VERBS: Readonly<Record<AuditBody['what'], string>> = {
  edited: 'changed',
  redriven: 'sent again',
  discarded: 'thrown away',
};

/** The letters are found in the log by their numbers: a line said what each was when it was set aside. */
export function logAudit(logger: Pick<Logger, 'info'>, { what, letters, by, at, why }: AuditBody): void {
  for (let from = 0; from < letters.length; from += IN_A_LINE) {
    const some = letters.slice(from, from + IN_A_LINE);
    const which = some.length === 1 ? 'a dead letter was' : `${some.length} dead letters were`;
    logger.info(`${which} ${VERBS[what]}`, {
      audit: what,
      numbers: some.join(' '),
      by,
      at,
      ...(why === undefined ? {} : { why }),
    });
  }
}

const done = { by: z.string(), at: z.number(), why: z.string().optional() };
const earlier = z.array(
  z.strictObject({ ...done, number: z.number(), edited: z.strictObject(done).optional() }),
);

/** Oldest first; empty for a letter that no person has sent again, or that somebody else wrote. */
export function earlierOf({ properties }: InboundMessage): readonly LetterRedriven[] {
  const { [PROPERTY.earlier]: text } = properties;
  if (typeof text !== 'string') return [];
  try {
    return earlier.parse(JSON.parse(text)) as LetterRedriven[];
  } catch {
    return [];
  }
}

/** What the letter takes along when it is sent again. */
export function withEarlier(letter: InboundMessage, now: LetterEdited): string {
  const edit = editOf(letter);
  const redriven: LetterRedriven = {
    number: letter.sequenceNumber,
    ...now,
    ...(edit === undefined ? {} : { edited: doneBy(edit.by, edit.at, edit.why) }),
  };
  return JSON.stringify([...earlierOf(letter), redriven].slice(-MOST_EARLIER));
}
