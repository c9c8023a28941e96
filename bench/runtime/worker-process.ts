// The bench's side of a process that does jobs: asks, stops it for a while, and ends it whatever happens.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { Ask, Jobs, Tell } from './jobs.ts';

/** No bench hangs. */
const LIMIT_MS = 1_800_000;

export interface WorkerProcess<J extends Jobs> extends AsyncDisposable {
  readonly pid: number;
  readonly ask: <K extends keyof J & string>(job: K, ...args: Parameters<J[K]>) => ReturnType<J[K]>;
  /** It stands still, and what is sent to it piles up. */
  readonly pause: () => void;
  /** Epoch ms of the instant. */
  readonly resume: () => number;
}

export function startProcess<J extends Jobs>(
  entry: string,
  args: readonly string[] = [],
  node: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): WorkerProcess<J> {
  // For a profile: QUORATE_BENCH_PROFILE=<folder>.
  const folder = process.env['QUORATE_BENCH_PROFILE'];
  const profile = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  const child = fork(entry, args, {
    execArgv: [...node, ...profile],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  // A message to one that has just ended; `ended` tells.
  child.on('error', () => {});
  child.setMaxListeners(0);
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let lastId = 0;
  const ask = (job: string, ...given: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lastId += 1;
      const id = lastId;
      const listen = (message: Tell): void => {
        if (message.id !== id) return;
        child.off('message', listen);
        if (message.kind === 'done') resolve(message.result);
        else reject(new Error(`${job}: ${message.why}`));
      };
      child.on('message', listen);
      void ended.then(([code, signal]: (number | string | null)[]) =>
        reject(new Error(`${job}: its process has ended with ${signal ?? code}`)),
      );
      child.send({ id, job, args: given } satisfies Ask);
    });
  return {
    pid: child.pid ?? 0,
    ask: ask as unknown as WorkerProcess<J>['ask'],
    pause: () => void child.kill('SIGSTOP'),
    resume: () => {
      const at = performance.timeOrigin + performance.now();
      child.kill('SIGCONT');
      return at;
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(limit);
      child.kill('SIGCONT');
      if (profile.length === 0) child.kill('SIGKILL');
      // Without its asker it ends by itself, and writes its profile.
      else if (child.connected) child.disconnect();
      await ended;
    },
  };
}
