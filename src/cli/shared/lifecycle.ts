// What ends a running command: a signal, a second one, or a bug. The command drains after the first; nothing waits
// for the second.
import { EXIT } from './exit.ts';
import { reportCrash } from './failure.ts';

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

export interface LifecycleOptions {
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
