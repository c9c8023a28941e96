// How every long-lived command ends.
import { EXIT, type ExitCode } from './exit.ts';
import { reportCrash } from './failure.ts';
import type { Host } from './host.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Terminal } from './terminal.ts';

/** The end of a long-lived command: waits for what stops it, then drains. */
export async function serveUntilStopped(
  host: Host,
  lifecycle: Lifecycle,
  terminal: Terminal,
  verbose: boolean,
): Promise<ExitCode> {
  const cause = await lifecycle.stopped;
  terminal.clear();
  const code = cause.kind === 'signal' ? EXIT.done : reportCrash(cause.error, verbose);
  terminal.line(cause.kind === 'signal' ? `${cause.signal}: draining` : 'draining');
  await host.stop();
  terminal.line('stopped');
  return code;
}
