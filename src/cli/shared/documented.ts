// What every --help has besides purpose and options: exit codes and one example, which a test runs.
import type { Command } from 'commander';
import { EXIT, EXIT_MEANING } from './exit.ts';

export type Exits = readonly (keyof typeof EXIT)[];

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
