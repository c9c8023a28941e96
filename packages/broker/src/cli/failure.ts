// How an error looks to a person: its code, what happened, what to do. A stack only with --verbose.
import { CommanderError } from 'commander';
import { BrokerError, type BrokerErrorCode } from '../errors.ts';
import { EXIT, type ExitCode } from './command.ts';

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
