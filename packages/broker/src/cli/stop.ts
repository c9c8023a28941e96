// What ends a broker that runs as a command: a signal, or an error that nobody caught. A second signal is not waited for.
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode } from './command.ts';
import { formatFailure } from './failure.ts';

export type StopCause =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'crash'; readonly error: unknown };

/** Ctrl+C under npm arrives twice, from the terminal and from npm: one press is one signal. */
const ECHO_MS = 500;
/** What has been started meanwhile gets this long to be stopped. */
const UNDO_LIMIT_MS = 3_000;

/** Resolves with the first cause. Once a process, for as long as it lives. */
export function untilStopped(): Promise<StopCause> {
  const { promise, resolve } = Promise.withResolvers<StopCause>();
  let stoppedAt: number | undefined;
  const stop = (cause: StopCause): boolean => {
    if (stoppedAt !== undefined) return false;
    stoppedAt = performance.now();
    resolve(cause);
    return true;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop({ kind: 'signal', signal }) || performance.now() - (stoppedAt ?? 0) < ECHO_MS) return;
      process.exit(EXIT.interrupted);
    });
  }
  const onCrash = (error: unknown): void => {
    if (!stop({ kind: 'crash', error })) process.exit(reportCrash(error, true));
  };
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  return promise;
}

/** A start may wait for another process, or hang: a signal ends it however long it takes. */
export async function startUnlessStopped<T>(
  starting: Promise<T>,
  stop: (value: T) => Promise<unknown>,
  stopped: Promise<StopCause>,
  verbose: boolean,
): Promise<{ readonly value: T } | { readonly code: ExitCode }> {
  const first = await Promise.race([starting.then((value) => ({ value })), stopped]);
  if ('value' in first) return first;
  console.log(first.kind === 'signal' ? `${first.signal}: stopping before the start is done` : 'stopping');
  const crash = first.kind === 'crash' ? reportCrash(first.error, verbose) : undefined;
  const undone = starting.then(stop).then(
    () => true,
    () => true,
  );
  const whole = await Promise.race([undone, sleep(UNDO_LIMIT_MS, false)]);
  console.log('stopped');
  return { code: crash ?? (whole ? EXIT.done : EXIT.interrupted) };
}

/** What nobody expected: said in full, and an exit code of its own. */
export function reportCrash(error: unknown, verbose: boolean): ExitCode {
  process.stderr.write(`${formatFailure(error, verbose)}\n`);
  return EXIT.internal;
}
