// How an error looks to a person: its code, what happened, what to do. A stack only with --verbose.
import { CommanderError } from 'commander';
import { fileFault } from '../../common/file-faults.ts';
import { ERROR_HINTS, isErrorCode } from '../../contract/errors.ts';
import { redact } from '../../observability/redaction.ts';
import { fromBrokerError, isBrokerError } from '../../runtime/broker-faults.ts';
import { EXIT, type ExitCode } from './exit.ts';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly exit: ExitCode;
  readonly stack?: string;
}

export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof CommanderError) return usageFailure(thrown);
  const error = ofOurs(thrown);
  const own = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const code = own ?? 'INTERNAL';
  const exit = code === 'USAGE' ? EXIT.usage : code === 'INTERNAL' ? EXIT.internal : EXIT.failed;
  return {
    code,
    message: redact(error.message),
    exit,
    ...(isErrorCode(code) ? { hint: ERROR_HINTS[code] } : {}),
    ...(error.stack === undefined ? {} : { stack: redact(withCauses(error)) }),
  };
}

/** Gives codes of docs/errors.md only: those of the system are translated into what they mean for our files. */
function ofOurs(thrown: unknown): Error {
  if (isBrokerError(thrown)) return fromBrokerError(thrown);
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return fileFault(error, 'a file or socket of this process') ?? error;
}

/** `error CODE: message`, further lines of the message indented, then the hint. */
export function formatFailure(failure: Failure, verbose: boolean): string {
  const message = failure.message.split('\n').join('\n  ');
  const lines = [`error ${failure.code}: ${message}`];
  if (failure.hint !== undefined) lines.push(`  ${failure.hint}`);
  if (verbose && failure.stack !== undefined) lines.push(failure.stack);
  return lines.join('\n');
}

/** An error that nobody expected: printed in full, with its own exit code. */
export function reportCrash(error: unknown, verbose: boolean): ExitCode {
  process.stderr.write(`${formatFailure(toFailure(error), verbose)}\n`);
  return EXIT.internal;
}

function usageFailure(error: CommanderError): Failure {
  const said = error.message.replace(/^error: /, '').replace(/\n+/g, ' ');
  const message = error.code === 'commander.help' ? 'a command is missing' : said;
  return { code: 'USAGE', message, hint: ERROR_HINTS.USAGE, exit: EXIT.usage };
}

function withCauses(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\nCaused by: ${withCauses(error.cause)}` : stack;
}
