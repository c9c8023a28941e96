// What the commands of the broker share: exit codes, options, the folder of the data, and how a value is written and printed.
import { resolve } from 'node:path';
import { type Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { BrokerError, type BrokerErrorCode } from '../errors.ts';

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

// How an error looks to a person: its code, what happened, what to do. A stack only with --verbose.

/** What to do about it, where the message does not say it already. */
const HINTS: Readonly<Record<BrokerErrorCode, string>> = {
  BROKER_DATA_IN_USE: 'Stop the process that owns this data folder, or name another with --data.',
  BROKER_DATA_UNREADABLE:
    'What is in the file is damaged or none of ours: restore a copy. Only if nothing in it is needed, remove the folder.',
  BROKER_DATA_UNWRITABLE:
    'Make room on the disk, or correct the permissions or what has the name of that file; stored data is untouched.',
  BROKER_FILES_EXHAUSTED:
    'Give the process more file handles (`ulimit -n`, LimitNOFILE= of systemd), or close what holds them; stored data is untouched.',
  BROKER_DISK_FAILED:
    'Look at the disk and its mount (`dmesg`); nothing says that the data is damaged: start again once it answers.',
  BROKER_PORT_IN_USE: 'Choose another port with --port, or stop the process that listens there.',
  BROKER_CONFIG_INVALID: 'Correct what the message names.',
  BROKER_TOPOLOGY_INVALID: 'Correct the entities that the message names, and start again.',
  BROKER_STORE_FULL: 'Receive or purge messages, make room on the disk, or raise the limit.',
  BROKER_STOPPED: 'Start the broker again.',
  BROKER_NOT_QUIET:
    'Settle, abandon or close what the message names, or advance with more patience; then advance again.',
  BROKER_CLOCK_REAL: "Start the broker with --virtual-time; in code with clock: 'virtual'.",
  BROKER_FAULT_INVALID: 'See --help.',
  BROKER_NOT_CONTROLLED: 'Start the broker with --control, and name its data folder with --data.',
  BROKER_USAGE: 'See --help.',
  BROKER_FAILED: 'This is a bug; run again with --verbose and report what it prints.',
};

/** `error CODE: message`, further lines of the message indented, then what to do. */
export function formatFailure(thrown: unknown, verbose: boolean): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const lines = [`error ${codeOf(error)}: ${messageOf(error).split('\n').join('\n  ')}`];
  lines.push(`  ${HINTS[codeOf(error)]}`);
  if (verbose && error.stack !== undefined) lines.push(error.stack);
  return lines.join('\n');
}

export function exitOf(thrown: unknown): ExitCode {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (!(thrown instanceof BrokerError)) return EXIT.internal;
  if (thrown.code === 'BROKER_USAGE' || thrown.code === 'BROKER_FAULT_INVALID') return EXIT.usage;
  return thrown.code === 'BROKER_FAILED' ? EXIT.internal : EXIT.failed;
}

function codeOf(error: Error): BrokerErrorCode {
  if (error instanceof CommanderError) return 'BROKER_USAGE';
  return error instanceof BrokerError ? error.code : 'BROKER_FAILED';
}

function messageOf(error: Error): string {
  if (!(error instanceof CommanderError)) return error.message;
  return error.code === 'commander.help'
    ? 'a command is missing'
    : error.message.replace(/^error: /, '').replace(/\n+/g, ' ');
}
