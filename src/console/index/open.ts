// Opens an index: its thread, and the calls to it. The file is keyed by the Service Bus and the prefix that it is about.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { QuorateError } from '../../contract/errors.ts';
import type { IndexAnswer, IndexCall, IndexCalls, IndexHandle, IndexThreadData } from './calls.ts';

export interface IndexPlace {
  /** Absolute path of the data folder. */
  readonly data: string;
  /** Which Service Bus: `embedded`, or its host. */
  readonly broker: string;
  readonly prefix: string;
}

const OWNER_ONLY = 0o700;
/** Each by its name: the type sees that none is missing. */
const CALLS = {
  mode: true,
  apply: true,
  forget: true,
  trim: true,
  saveView: true,
  setMeta: true,
  newestAt: true,
  actors: true,
  count: true,
  actor: true,
  types: true,
  states: true,
  definition: true,
  processes: true,
  attention: true,
  costs: true,
  living: true,
  views: true,
  meta: true,
  unseen: true,
  known: true,
  bytes: true,
  close: true,
} satisfies Record<keyof IndexCalls, true>;

function indexFile({ data, broker, prefix }: IndexPlace): string {
  const name = createHash('sha256').update(`${broker}\n${prefix}`).digest('hex').slice(0, 16);
  return join(data, 'console', `${name}.db`);
}

/** Throws nothing: what is wrong with the file is said by the first call, as CONSOLE_INDEX_FAILED. */
export function openIndex(place: IndexPlace, readOnly = false): IndexHandle {
  const file = indexFile(place);
  if (!readOnly) mkdirSync(join(place.data, 'console'), { recursive: true, mode: OWNER_ONLY });
  const data: IndexThreadData = { file, readOnly };
  // The same file is .ts in development and .js once built.
  const worker = new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: data,
    name: 'quorate-console-index',
  });
  worker.unref();
  const waiting = new Map<number, (answer: IndexAnswer) => void>();
  let lastId = 0;
  let ended: string | undefined;
  const end = (reason: string): void => {
    ended ??= reason;
    for (const [id, resolve] of waiting) resolve({ id, error: reason });
    waiting.clear();
  };
  worker.on('message', (answer: IndexAnswer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
  });
  worker.on('error', (error) => end(String(error)));
  worker.on('exit', () => end('its thread has ended'));

  const call = async (name: keyof IndexCalls, args: readonly unknown[]): Promise<unknown> => {
    if (ended !== undefined) throw new QuorateError('CONSOLE_INDEX_FAILED', `${file}: ${ended}`);
    const id = ++lastId;
    const request: IndexCall = { id, name, args };
    const { promise, resolve } = Promise.withResolvers<IndexAnswer>();
    waiting.set(id, resolve);
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(request);
    const { error, value } = await promise;
    if (error !== undefined) throw new QuorateError('CONSOLE_INDEX_FAILED', `${file}: ${error}`);
    return value;
  };
  return Object.fromEntries(
    (Object.keys(CALLS) as (keyof IndexCalls)[]).map((name) => [
      name,
      (...args: readonly unknown[]) => call(name, args),
    ]),
  ) as unknown as IndexHandle;
}
