// Who runs which task, in a storage: an object for each task that runs, named so that those of one asker are found together, and
// one for each process. Objects of processes that died without a successor are removed by those that come later.
import type { ClaimedTask, Storage, TaskClaimStore } from '../contract/payload.ts';
import { checkPath, TASK_CLAIMS } from './paths.ts';

/** No task runs so long: its claim was left by a process that died, and nobody ran the task again. */
const FORGOTTEN_AFTER_MS = 7 * 24 * 3_600_000;
const BETWEEN_SWEEPS_MS = 3_600_000;

/** `scope` tells namespaces and prefixes apart that share a container. */
export function createTaskClaimFiles(storage: Storage, scope: string, now = Date.now): TaskClaimStore {
  const tasks = checkPath(`${TASK_CLAIMS}/${scope}/tasks`);
  const processes = checkPath(`${TASK_CLAIMS}/${scope}/processes`);
  const pathOf = ({ life, execution, key }: ClaimedTask): string => `${tasks}/${life}/${execution}/${key}`;
  let sweptAt: number | undefined;

  const textAt = async (path: string): Promise<string | undefined> => textOf(await storage.read(path));
  const take = async (task: ClaimedTask, process: string): Promise<string> => {
    const path = pathOf(task);
    for (;;) {
      if (await storage.create(path, Buffer.from(process))) return process;
      const owner = await textAt(path);
      // Removed in between.
      if (owner !== undefined) return owner;
    }
  };
  const drop = async (task: ClaimedTask, process: string): Promise<void> => {
    const path = pathOf(task);
    if ((await textAt(path)) === process) await storage.remove(path);
  };
  const sweep = async (): Promise<void> => {
    for (const folder of [tasks, processes])
      for await (const { path, writtenAt } of storage.list(folder))
        if (now() - writtenAt > FORGOTTEN_AFTER_MS) await storage.remove(path);
  };

  return {
    ownerOf: (task) => textAt(pathOf(task)),
    take,
    takeOver: async (task, from, process) => {
      await drop(task, from);
      return take(task, process);
    },
    drop,
    processesOf: async (life, execution) => {
      const folder = execution === undefined ? `${tasks}/${life}` : `${tasks}/${life}/${execution}`;
      const owners: Promise<string | undefined>[] = [];
      for await (const { path } of storage.list(folder)) owners.push(textAt(path));
      return [...new Set(await Promise.all(owners))].filter((owner) => owner !== undefined);
    },
    setAlive: async (process, until) => {
      await storage.write(`${processes}/${process}`, Buffer.from(String(until)));
      sweptAt ??= now();
      if (now() - sweptAt < BETWEEN_SWEEPS_MS) return;
      sweptAt = now();
      // What it leaves is removed the next time.
      sweep().catch(() => {});
    },
    forget: (process) => storage.remove(`${processes}/${process}`),
    aliveUntil: async (process) => {
      const until = Number(await textAt(`${processes}/${process}`));
      return Number.isFinite(until) ? until : undefined;
    },
  };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}
