// What ends a running command: a signal, a second signal, or a bug. The command drains after the first signal; a second one
// ends it at once.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../contract/ports.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { reportCrash } from './failure.ts';
import type { Terminal } from './terminal.ts';

export type StopCause =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'crash'; readonly error: unknown };

export interface Lifecycle {
  /** Resolves with the first cause. */
  readonly stopped: Promise<StopCause>;
  /** Aborts at the same instant. */
  readonly signal: AbortSignal;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
/** Ctrl+C under `npm start` arrives twice, from the terminal and from npm: one press is one signal. */
const ECHO_MS = 500;

interface LifecycleOptions {
  /** Told of an error that nobody caught; true when the process is well in spite of it. */
  readonly survives?: (error: unknown) => boolean;
}

/** Once a process, for as long as it lives. */
export function createLifecycle({ survives = () => false }: LifecycleOptions = {}): Lifecycle {
  const { promise: stopped, resolve } = Promise.withResolvers<StopCause>();
  const controller = new AbortController();
  let stoppedAt = 0;
  const stop = (cause: StopCause): boolean => {
    if (controller.signal.aborted) return false;
    stoppedAt = performance.now();
    resolve(cause);
    controller.abort();
    return true;
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop({ kind: 'signal', signal }) || performance.now() - stoppedAt < ECHO_MS) return;
    process.exit(EXIT.interrupted);
  };
  const onCrash = (error: unknown): void => {
    if (survives(error)) return;
    if (!stop({ kind: 'crash', error })) process.exit(reportCrash(error, true));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  return { stopped, signal: controller.signal };
}

// A start that can be cut short: a signal ends it however long it takes, for it may wait for another process, or hang.

/** What has been started meanwhile gets this long to be stopped. */
const UNDO_LIMIT_MS = 3_000;

type Startup<T> =
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

// An error that nobody caught and in which no code but the Azure SDK's took part: it fails in timers and listeners of links
// that are lost anyway, and the host has others (docs/decisions/0066). Known places are guarded in the bridge.

const FRAME = /^\s+at /;
const SDK = /[\\/]node_modules[\\/](?:@azure[\\/](?:core-amqp|service-bus)|rhea|rhea-promise)[\\/]/;
/** Frames that do not count: Node's own code, and what compiled `await` runs through. */
const NEUTRAL = /\(?node:|<anonymous>|\(native\)|[\\/]node_modules[\\/]tslib[\\/]/;

/** All frames are the SDK's. One of anybody else, or no frame at all, is somebody's bug. */
export function isSdkFault(error: unknown): error is Error {
  if (!(error instanceof Error) || error.stack === undefined) return false;
  const frames = error.stack.split('\n').filter((line) => FRAME.test(line));
  const theirs = frames.filter((frame) => SDK.test(frame));
  return theirs.length > 0 && frames.every((frame) => SDK.test(frame) || NEUTRAL.test(frame));
}

const SAID = 'the Azure SDK failed where nobody could catch it; the host keeps running';

/** For the lifecycle of a host: logs such an error and lets the host continue. */
export function survivesSdkFaults(logger: () => Pick<Logger, 'error'> | undefined) {
  return (error: unknown): boolean => {
    if (!isSdkFault(error)) return false;
    const log = logger();
    if (log === undefined) process.stderr.write(`${SAID}\n${error.stack}\n`);
    else log.error(SAID, { error: error.stack });
    return true;
  };
}
