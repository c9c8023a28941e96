// Names and limits that Quorate writes into its spans. They are written here a second time, because this package imports
// nothing of Quorate; a test holds both equal (src/observability/telemetry.ts, src/contract/turn.ts).

/** Attributes that the lint reads. */
export const ATTR = {
  /** `type/id`: whose span it is. */
  actor: 'quorate.actor',
  /** On the spans of a task. */
  execution: 'quorate.execution',
  /** On a gather: how many replies it accepted. */
  ok: 'quorate.gather.ok',
} as const;

/** A gather links to so many accepted replies, and counts the others. */
export const MAX_GATHER_LINKS = 128;

/** Of the SDK, for one span: a batch send links to every task in it. The SDK alone would cut the links at 128. */
export const LINK_LIMIT = 1_024;
