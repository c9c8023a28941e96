// What can befall a host, and at which steps: the whole table of what is explored.
import type { Step } from './places.ts';

const WHERE_IT_MAY_DIE = [
  'before-write',
  'after-write',
  'mid-outbox',
  'after-outbox',
  'before-result',
  'after-result',
  'before-complete',
] as const satisfies readonly Step[];

export const FAULTS = {
  /** The process dies; another takes over at once. Before the outbox too: nothing may have been completed by then. */
  crash: ['before-outbox', ...WHERE_IT_MAY_DIE],
  /** The broker gives the lock of the session or the task to others. */
  'lock-lost': WHERE_IT_MAY_DIE,
  /** The process stands still until its locks are gone and another has continued, then continues as if nothing had happened. */
  frozen: WHERE_IT_MAY_DIE,
  /** The broker dies at the next request and comes back with its data on the same port. */
  'broker-restart': WHERE_IT_MAY_DIE,
  /** The process dies, and another takes over when the broker has forgotten the ids of what was sent. */
  asleep: ['after-write', 'mid-outbox', 'after-outbox', 'after-result'],
  /** The state is written, but the answer asks for the write to be repeated, as the SDK would. */
  'replayed-write': ['before-write'],
  /** A message is delivered twice, or comes back after it was completed. */
  duplicate: ['before-outbox', 'before-complete'],
  /** What is sent is overtaken by everything else that happens meanwhile. */
  reordered: ['before-outbox'],
  /** The first message of several received at once is given back and comes again behind them. */
  abandoned: ['window'],
  /** Everything again with new actors of the same ids, within the duplicate window. */
  recreated: [],
} as const satisfies Record<string, readonly Step[]>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];
