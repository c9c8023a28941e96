/** A client that lives takes its answers at once; those of one that has gone must not lie in the queue for ever. */
export const ANSWER_TTL_MS = 3_600_000;
