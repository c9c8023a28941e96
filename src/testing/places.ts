// The places of the commit protocol at which a host can be struck. Each has a name that is the same in every run of a
// scenario: what is done, by whom, and for the how manieth time.

/** In the order in which a host comes by. `window` = several messages of one session were received at once. */
export const STEPS = [
  'window',
  'before-write',
  'after-write',
  'before-cancel',
  'after-cancel',
  'before-outbox',
  'mid-outbox',
  'after-outbox',
  'before-result',
  'after-result',
  'before-complete',
] as const;
export type Step = (typeof STEPS)[number];

/** What a host is about to do, or has just done. */
export interface Act {
  readonly step: Step;
  /** The actor or the agent's queue. */
  readonly where: string;
  /** The lock under which it is done, as the broker's faults name it. */
  readonly lock?: {
    readonly entity: string;
    readonly session?: string;
    readonly messageId?: string;
    readonly sequenceNumber?: number;
  };
  /** Those that are sent or settled, as far as their receiver can know that they came twice. */
  readonly messages?: readonly { readonly entity: string; readonly session?: string; readonly id: string }[];
  /** Gives the first message of a window back. */
  readonly abandon?: () => void;
}

export interface Place {
  readonly step: Step;
  readonly where: string;
  /** From 1. */
  readonly nth: number;
  /** Whether it has a lock to lose, and messages that may come twice. */
  readonly locked: boolean;
  readonly repeatable: boolean;
}

export function formatPlace({ step, where, nth }: Place): string {
  return `${step} of ${where} #${nth}`;
}

export function deadLettersOf(entity: string): string {
  return `${entity}/$deadletterqueue`;
}

/** Counts what the hosts of one run do, and says when they reach the place to be struck. */
export class Recorder {
  readonly places: Place[] = [];
  readonly #counts = new Map<string, number>();
  readonly #target: string | undefined;
  #strike: ((act: Act) => Promise<void> | undefined) | undefined;
  #moves = 0;
  #closed = false;

  constructor(target?: Place) {
    this.#target = target === undefined ? undefined : formatPlace(target);
  }

  onTarget(strike: (act: Act) => Promise<void> | undefined): void {
    this.#strike = strike;
  }

  /** Whether the target came by. */
  get struck(): boolean {
    return this.#target !== undefined && this.#strike === undefined;
  }

  /** Grows with everything the hosts do. */
  get moves(): number {
    return this.#moves;
  }

  /** The act waits for what is returned. */
  at(act: Act): Promise<void> | undefined {
    this.#moves += 1;
    if (this.#closed) return undefined;
    const key = `${act.step} ${act.where}`;
    const nth = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, nth);
    const { step, where, lock, messages = [] } = act;
    const place = { step, where, nth, locked: lock !== undefined, repeatable: messages.length > 0 };
    this.places.push(place);
    if (this.#strike === undefined || formatPlace(place) !== this.#target) return undefined;
    const strike = this.#strike;
    this.#strike = undefined;
    return strike(act);
  }

  /** What follows is the kit looking at the outcome. */
  close(): void {
    this.#closed = true;
  }
}
