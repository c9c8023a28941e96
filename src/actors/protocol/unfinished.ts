// How often a turn or a task may be begun without anybody seeing its end (I7).

/**
 * The host was gone each time, or had lost its lock. Mostly that is not the message's fault: where locks are lost every few
 * seconds three in a row happen by chance.
 */
export const MAX_UNFINISHED = 10;
