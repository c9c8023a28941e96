// The entry of the command line, imported by bin/quorate.js once the Node version is known to be right.
import { CommanderError } from 'commander';
import { createProgram } from './program.ts';
import { EXIT } from './shared/exit.ts';
import { formatFailure, toFailure } from './shared/failure.ts';

/** What is still open after a command has ended is not waited for any longer. */
const LINGER_MS = 1_000;
const STDERR = process.stderr;

const verbose = process.argv.includes('--verbose');
const program = createProgram((code) => {
  process.exitCode = code;
});

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) {
    process.exitCode = EXIT.done;
  } else {
    const failure = toFailure(error);
    STDERR.write(`${formatFailure(failure, verbose)}\n`);
    process.exitCode = failure.exit;
  }
}

setTimeout(() => {
  if (verbose) STDERR.write(`still open at exit: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit();
}, LINGER_MS).unref();
