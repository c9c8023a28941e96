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
  /** done, error, failed, missing, late … */
  outcome: 'quorate.outcome',
  /** On a task and a gather: the turn with which it was over. */
  turn: 'quorate.turn',
  errorType: 'error.type',
} as const;

/** No span of Quorate has more links: Application Insights keeps some 107, and breaks off in the middle of the next. */
export const MAX_LINKS = 100;

/** Of the SDK, for one span: links that others add find room too. The SDK alone would cut them at 128. */
export const LINK_LIMIT = 1_024;

/** The name of the tracer. */
export const SCOPE = 'quorate';
