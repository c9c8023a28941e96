// Cancellations in a storage: one object for each mark, in a separate folder. A process that adds marks now and then removes
// those that are over.
import type { CancellationStore, Storage } from '../contract/payload.ts';
import { CANCELLED, checkPath } from './paths.ts';

const BETWEEN_SWEEPS_MS = 3_600_000;

/** `scope` tells namespaces and prefixes apart that share a container. */
export function createCancellationFiles(storage: Storage, scope: string): CancellationStore {
  const folder = checkPath(`${CANCELLED}/${scope}`);
  let sweptAt: number | undefined;

  const sweep = async (now: number): Promise<void> => {
    for await (const { path } of storage.list(folder)) {
      const until = Number(Buffer.from((await storage.read(path)) ?? []).toString());
      if (!(until > now)) await storage.remove(path);
    }
  };

  return {
    put: async (marks, until, now) => {
      const bytes = Buffer.from(String(until));
      await Promise.all(marks.map((mark) => storage.create(`${folder}/${mark}`, bytes)));
      sweptAt ??= now;
      if (now - sweptAt < BETWEEN_SWEEPS_MS) return;
      sweptAt = now;
      // What it leaves is removed the next time.
      sweep(now).catch(() => {});
    },
    find: async (marks) => {
      const found = await Promise.all(marks.map((mark) => storage.read(`${folder}/${mark}`)));
      return marks.filter((_mark, at) => found[at] !== undefined);
    },
  };
}
