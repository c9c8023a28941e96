// What the commands of the broker share: exit codes, options, the folder of the data, and how a value is written and printed.
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';

export const EXIT = {
  done: 0,
  /** The work could not be done; one line says why. */
  failed: 1,
  /** Wrong arguments. */
  usage: 2,
  /** A bug. */
  internal: 70,
  /** Stopped at once by a second signal, or before the work was done. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const MEANING: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done',
  failed: 'failed; one line says why',
  usage: 'wrong arguments',
  internal: 'internal error',
  interrupted: 'interrupted before it was done, or by a second signal',
};

const HIGHEST_PORT = 65_535;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;
const LABEL_COLUMNS = 10;

/** What the commands are given: how they are called, and where they report how they ended. */
export interface Shell {
  /** `quorate-broker`, or `quorate broker` where they are part of it. */
  readonly name: string;
  readonly finish: (code: ExitCode) => void;
}

/** Every --help ends with the exit codes and one example, which a test runs. */
export function documented(
  command: Command,
  help: { readonly exits: readonly (keyof typeof EXIT)[]; readonly example: string },
): Command {
  const exits = help.exits.map((name) => `  ${String(EXIT[name]).padEnd(4)} ${MEANING[name]}`);
  return command
    .allowExcessArguments(false)
    .addHelpText('after', `\nExit codes:\n${exits.join('\n')}\n\nExample:\n  ${help.example}`);
}

export function portOption(): Option {
  return new Option(
    '--port <number>',
    'port of the broker (default: 5672, else the next free one)',
  ).argParser(toPort);
}

export function dataOption(): Option {
  return new Option('--data <folder>', 'folder of the data (default: $QUORATE_DATA, else .quorate)');
}

export function verboseOption(): Option {
  return new Option('--verbose', 'stacks with errors (default: off)');
}

/** --data, else $QUORATE_DATA, else .quorate; absolute. */
export function dataFolder(data: string | undefined): string {
  return resolve(data ?? (process.env['QUORATE_DATA'] || '.quorate'));
}

/** `90s`, `1h30m`, `3d`, `250ms` in milliseconds; for commander, whose error it throws. */
export function toDurationMs(text: string): number {
  const parts = [...text.matchAll(PART)];
  if (parts.length === 0 || text.replace(PART, '') !== '') {
    throw new InvalidArgumentError('A duration is written like 250ms, 90s, 1h30m or 3d.');
  }
  return parts.reduce((sum, [, amount, unit = 'ms']) => sum + Number(amount) * (UNIT_MS[unit] ?? 1), 0);
}

/** A text as one word of a POSIX shell, for lines that are printed to be copied. */
export function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function printRow(label: string, value: string): void {
  console.log(`${label.padEnd(LABEL_COLUMNS)} ${value}`);
}

function toPort(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > HIGHEST_PORT) {
    throw new InvalidArgumentError(`A port is a number from 0 to ${HIGHEST_PORT}.`);
  }
  return port;
}
