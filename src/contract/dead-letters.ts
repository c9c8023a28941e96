// Dead letters as people handle them: listed, looked at, sent again, thrown away.
import type { Foresight } from './foresight.ts';
import type { Json } from './json.ts';

/** A dead letter's copy in the remediation queue. */
export interface DeadLetter {
  /** Its number there: what `show`, `redrive` and `discard` take. */
  readonly number: number;
  /** Epoch ms at which it was set aside. */
  readonly at: number;
  /** What it was: task, event, start, reply... */
  readonly kind: string;
  /** Entity it could not be taken from, without the prefix. */
  readonly from: string;
  /** `type/id` of the actor that it was for, or that waits for it. */
  readonly actor?: string;
  readonly agent?: string;
  /** A code of Quorate, or of an agent's own error. */
  readonly code: string;
  readonly reason: string;
  /** The message of the error, in words. */
  readonly description: string;
  /** What an agent's error says besides: `attempts`, `failure`, and what the agent itself has put there. */
  readonly data?: Json;
  /** Its asker has dealt with it, or its sender is an actor, which continues: nobody has to look at it. */
  readonly handled: boolean;
  readonly traceparent?: string;
  /** A person has changed its body. */
  readonly edited?: LetterEdited;
  /** Letters that this one was before: a person sent each of them again, and it failed again. The latest five, oldest first. */
  readonly earlier?: readonly LetterRedriven[];
}

/** Who did something to a letter, when (epoch ms), and why, where they said so. */
export interface LetterEdited {
  /** Empty where nobody said. */
  readonly by: string;
  readonly at: number;
  readonly why?: string;
}

/** A letter that was sent again. */
export interface LetterRedriven extends LetterEdited {
  readonly number: number;
  /** It was changed before that. */
  readonly edited?: LetterEdited;
}

/** What is put in the place of a letter's body: all of it, or some of its values by their path (`event.value`). */
export interface LetterChange {
  readonly body?: Json;
  readonly set?: Readonly<Record<string, Json>>;
  /** Who does it (128 characters) and why (300): kept with the letter, and logged by a host. */
  readonly by?: string;
  readonly why?: string;
}

/** Which dead letters: those that match everything that is given. */
export interface DeadLetterFilter {
  readonly code?: string;
  readonly agent?: string;
  /** `type/id`, or a type alone. */
  readonly actor?: string;
  /** Set aside at this time (epoch ms) or later, and before this one. */
  readonly since?: number;
  readonly until?: number;
  /** Handled ones too (default: those that wait for somebody). They are removed after the retention time. */
  readonly all?: boolean;
}

/** One page of dead letters, oldest first. */
export interface DeadLetterPage {
  readonly items: readonly DeadLetter[];
  /** Where the next page begins; absent at the end. */
  readonly next?: number;
}

/** By number, or all that a filter matches. `{}` matches every one that waits for somebody. */
export type DeadLetterSelection = readonly number[] | DeadLetterFilter;

/** What became of one letter of a redrive or discard. */
export interface Remedied {
  readonly number: number;
  /**
   * 'gone' = it is not there any more; 'held' = another process has it in hand, or one of its actor that comes before it, or it is not set
   * aside yet: it stays; 'refused' = the broker does not take it again.
   */
  readonly outcome:
    | 'redriven'
    | 'discarded'
    | 'would-redrive'
    | 'would-discard'
    | 'gone'
    | 'held'
    | 'refused';
  readonly why?: string;
  /** Of the dry run of a redrive: what it would come to. */
  readonly foresight?: Foresight;
}

/** Letters a second that a redrive or discard can be held to. */
export const MOST_RATE = 10_000;

/** Options of a redrive or discard. */
export interface RemedyOptions {
  /** Only says what would be done, and of a redrive what it would come to. Nothing is changed. */
  readonly dryRun?: boolean;
  /** At most so many letters a second, up to 10,000 (default: as fast as they go). */
  readonly rate?: number;
  /** Who does it (128 characters) and why (300): logged by a host. A letter that fails again still says so (`earlier`). */
  readonly by?: string;
  readonly why?: string;
  /** Of the dry run of a redrive: how long the host of one actor may take, in ms (default 30 s). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Dead letters as people handle them: what `quorate dlq` does. A client has it as `client.deadLetters`. */
export interface DeadLetters {
  /** Oldest first. */
  list(
    filter?: DeadLetterFilter & {
      readonly from?: number;
      readonly limit?: number;
      readonly signal?: AbortSignal;
    },
  ): Promise<DeadLetterPage>;
  /** With the message's body, of an edited letter with the one it came with; undefined when no letter has that number. */
  show(number: number): Promise<(DeadLetter & { readonly body: Json; readonly was?: Json }) | undefined>;
  /**
   * Changes what will be sent again, as its receiver takes it (INPUT_INVALID else). The body that it came with is kept, and a further
   * edit takes the place of the one before. 'gone' when no letter has that number.
   */
  edit(number: number, change: LetterChange): Promise<'edited' | 'gone'>;
  /**
   * Sends each to where it failed, as a new attempt with a new deadline. Safe to repeat: a letter redriven twice
   * within the duplicate window arrives once. What an actor no longer waits for is dropped there (I9). By a filter it takes
   * those that are there when it begins: what fails again meanwhile is left. Up to 32 letters are under way at once (with a `rate`, those
   * of a tenth of a second), and are given when all of them are done. `signal` ends it after these, as leaving the loop does.
   */
  redrive(selection: DeadLetterSelection, options?: RemedyOptions): AsyncGenerator<Remedied, void, undefined>;
  /** Removes them. They cannot be brought back. */
  discard(selection: DeadLetterSelection, options?: RemedyOptions): AsyncGenerator<Remedied, void, undefined>;
}
