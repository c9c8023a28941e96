// Bounds of a run, as they are said at its start and as each of its actors keeps them (docs/control.md).

/** Bounds of a run, said at its start. Beyond one of them it fails, and all that it has open is cancelled (docs/control.md). */
export interface RunBounds {
  /** From its start, in ms: RUN_DEADLINE. */
  readonly deadlineMs?: number;
  /** Levels of child actors below it; with 0 it starts no child: TOO_DEEP. */
  readonly maxDepth?: number;
  /** Tasks that it and all its children ask for together; a branch of a scatter is one: TOO_MANY_TASKS. */
  readonly maxTasks?: number;
  /** How long it, or a child, may wait for tasks without an answer, a piece of one or an event, in ms: RUN_STALLED. */
  readonly noProgressMs?: number;
}

/** What is left of them to one actor. */
export interface Bounds {
  /** Epoch ms. Of the root of the run alone: its end is the end of all. */
  readonly deadlineAt?: number;
  readonly depth?: number;
  readonly tasks?: number;
  readonly noProgressMs?: number;
  /** When something came to it last (epoch ms). */
  readonly progressAt?: number;
}
