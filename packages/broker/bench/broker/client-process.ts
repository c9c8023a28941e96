// The bench's side of its client process.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { WorkName } from './works.ts';

export interface Ask {
  readonly id: number;
  readonly work: WorkName;
  readonly connectionString: string;
  readonly count: number;
}

export type Tell =
  | { readonly kind: 'progress'; readonly id: number; readonly done: number }
  | { readonly kind: 'done'; readonly id: number; readonly seconds: number }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string };

export interface ClientProcess extends AsyncDisposable {
  /** Resolves to the seconds that the work took. */
  readonly run: (
    work: WorkName,
    connectionString: string,
    count: number,
    progress?: (done: number) => void,
  ) => Promise<number>;
}

const ENTRY = fileURLToPath(new URL('./client-entry.ts', import.meta.url));

/** Ended with SIGKILL after `limitMs`: no bench hangs. */
export function startClient(limitMs: number): ClientProcess {
  const child = fork(ENTRY, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  // A message to one that has just ended; `ended` tells.
  child.on('error', () => {});
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  let lastId = 0;
  return {
    run: (work, connectionString, count, progress) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        const id = lastId;
        const listen = (message: Tell): void => {
          if (message.id !== id) return;
          if (message.kind === 'progress') return progress?.(message.done);
          child.off('message', listen);
          if (message.kind === 'done') resolve(message.seconds);
          else reject(new Error(`${work}: ${message.why}`));
        };
        child.on('message', listen);
        void ended.then(() => reject(new Error(`${work}: the client process has ended`)));
        child.send({ id, work, connectionString, count } satisfies Ask);
      }),
    [Symbol.asyncDispose]: async () => {
      clearTimeout(limit);
      child.kill('SIGKILL');
      await ended;
    },
  };
}
