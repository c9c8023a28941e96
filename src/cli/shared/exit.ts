// Exit codes of every command; each --help lists those it uses.
export const EXIT = {
  done: 0,
  /** The work could not be done; one line says why. */
  failed: 1,
  /** Wrong arguments. */
  usage: 2,
  /** A bug: what was running has been drained. */
  internal: 70,
  /** Stopped at once by a second signal, or before the work was done. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANING: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done',
  failed: 'failed; one line says why and what to do',
  usage: 'wrong arguments',
  internal: 'internal error',
  interrupted: 'interrupted before it was done, or by a second signal',
};
