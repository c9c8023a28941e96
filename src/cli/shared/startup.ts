// A start that can be cut short: a signal ends it however long it takes, for it may wait for another process, or hang.
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode } from './exit.ts';
import { reportCrash } from './failure.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Terminal } from './terminal.ts';

/** What has been started meanwhile gets this long to be stopped. */
const UNDO_LIMIT_MS = 3_000;

export type Startup<T> =
  | { readonly kind: 'started'; readonly value: T }
  | { readonly kind: 'cut short'; readonly code: ExitCode };

export async function startUnlessStopped<T>(
  starting: Promise<T>,
  stop: (value: T) => Promise<unknown>,
  lifecycle: Lifecycle,
  terminal: Pick<Terminal, 'clear' | 'line'>,
  { verbose = false, undoLimitMs = UNDO_LIMIT_MS } = {},
): Promise<Startup<T>> {
  const first = await Promise.race([starting.then((value) => ({ value })), lifecycle.stopped]);
  if ('value' in first) return { kind: 'started', value: first.value };
  terminal.clear();
  terminal.line(first.kind === 'signal' ? `${first.signal}: stopping before the start is done` : 'stopping');
  const crash = first.kind === 'crash' ? reportCrash(first.error, verbose) : undefined;
  const undone = starting.then(stop).then(
    () => true,
    () => true,
  );
  const whole = await Promise.race([undone, sleep(undoLimitMs, false)]);
  terminal.line('stopped');
  return { kind: 'cut short', code: crash ?? (whole ? EXIT.done : EXIT.interrupted) };
}
