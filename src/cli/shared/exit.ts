// How every command ends and says so: its exit codes, and the --help that lists those it uses, with one example that a test runs.
import type { Command } from 'commander';

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

type Exits = readonly (keyof typeof EXIT)[];

/** A command reports how it ended through this. */
export type Finish = (code: (typeof EXIT)[keyof typeof EXIT]) => void;

export function documented(
  command: Command,
  help: { readonly exits: Exits; readonly example: string },
): Command {
  const exits = help.exits.map((name) => `  ${String(EXIT[name]).padEnd(4)} ${EXIT_MEANING[name]}`);
  return command
    .allowExcessArguments(false)
    .addHelpText('after', `\nExit codes:\n${exits.join('\n')}\n\nExample:\n  ${help.example}`);
}
