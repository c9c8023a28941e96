// Dead letters on the wire: what a copy in the remediation queue says of the message that it is a copy of, and what that queue is told.
import type { LetterEdited } from './dead-letters.ts';

/** Application properties of a copy, and of what is said about it. Part of PROPERTY (wire.ts). */
export const LETTER_PROPERTY = {
  /** On a dead letter's copy: where it came from and why. */
  deadFrom: 'quorate-dead-from',
  deadSession: 'quorate-dead-session',
  deadReason: 'quorate-dead-reason',
  deadCode: 'quorate-dead-code',
  deadDescription: 'quorate-dead-description',
  /** When it was sent (epoch ms), and its number there: the order of letters of one actor. */
  deadSent: 'quorate-dead-sent',
  deadNumber: 'quorate-dead-number',
  /** On a dead letter and its copy: its asker has dealt with it (true), or failed because of it (false). */
  handled: 'quorate-handled',
  /** On a dead letter's copy: JSON of the body that a person has put in the place of its own, by whom and when. */
  edited: 'quorate-edited',
  /** On a dead letter's copy: an actor was told, and says whether it handled it. */
  asked: 'quorate-asked',
  /** On a message that a person has sent again, and its copy where it comes back: JSON of what was done to it before. */
  earlier: 'quorate-earlier',
  /** On an error reply: id of the dead letter's copy, for saying whether it was handled. */
  letter: 'quorate-letter',
} as const;

/** What an asker says of a dead letter that it was told of: `letter` is the id of the copy. */
export interface LetterMark {
  readonly letter: string;
  readonly handled: boolean;
}

export interface MarkBody {
  readonly kind: 'mark';
  readonly marks: readonly LetterMark[];
}

/** To the remediation queue itself: removes handled letters whose retention time is over. */
export interface SweepBody {
  readonly kind: 'sweep';
}

/** To the remediation queue itself: what a person did to letters, for the log of a host. */
export interface AuditBody extends LetterEdited {
  readonly kind: 'audit';
  readonly what: 'edited' | 'redriven' | 'discarded';
  /** By their numbers. */
  readonly letters: readonly number[];
}
