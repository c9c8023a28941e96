// The entry of the broker's own command line, imported by bin/quorate-broker.js once the Node version is known to be right.
import { CommanderError } from 'commander';
import { EXIT, exitOf, formatFailure } from './command.ts';
import { createBrokerProgram } from './program.ts';

/** How long an ended command waits for what is still open. */
const LINGER_MS = 1_000;

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

const program = createBrokerProgram({
  name: 'quorate-broker',
  finish: (code) => {
    process.exitCode = code;
  },
});
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitOf(error);
  if (!(error instanceof CommanderError && error.exitCode === 0)) {
    process.stderr.write(`${formatFailure(error, process.argv.includes('--verbose'))}\n`);
  }
}
setTimeout(() => process.exit(), LINGER_MS).unref();
