// Payloads over a storage: JSON values packed under references, and the results of tasks beside them.
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { PayloadRef, Payloads, ResultStore, Storage } from '../contract/payload.ts';
import { type Packing, packJson, unpackJson } from './packing.ts';
import { checkPayloadPath, isPayloadPath } from './paths.ts';
import { createSealer } from './seal.ts';

export function createPayloads(storage: Storage, packing: Packing, scope: string): Payloads {
  return {
    scope,
    put: async (folder, name, value) => {
      const text = JSON.stringify(value);
      const path = checkPayloadPath(`${folder}/${name}`);
      const bytes = Buffer.from(text);
      await storage.write(path, await packing.pack(bytes));
      return {
        $payload: path,
        bytes: bytes.length,
        ...(Array.isArray(value) ? { count: value.length } : {}),
      };
    },
    get: async (ref) => {
      const stored = await readAt(storage, ref);
      if (stored === undefined)
        throw new QuorateError('PAYLOAD_NOT_FOUND', `payload ${ref.$payload} is not there`);
      return unpackJson(packing, stored);
    },
    // A reference that no storage could have given leads to nothing that could be removed.
    remove: async ({ $payload }) => {
      if (isPayloadPath($payload)) await storage.remove($payload);
    },
    removeFolder: async (folder) => storage.removeFolder(checkPayloadPath(folder)),
    seal: createSealer(storage, scope),
  };
}

/** A reference that no storage could have given is one to nothing. */
async function readAt(storage: Storage, { $payload }: PayloadRef): Promise<Uint8Array | undefined> {
  try {
    return await storage.read(checkPayloadPath($payload));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export function createResults(storage: Storage, packing: Packing): ResultStore {
  const pathOf = (folder: string, key: string): string => checkPayloadPath(`${folder}/result-${key}`);
  return {
    get: async (folder, key) => {
      const stored = await storage.read(pathOf(folder, key));
      return stored === undefined ? undefined : unpackJson(packing, stored);
    },
    put: async (folder, key, value) => storage.write(pathOf(folder, key), await packJson(packing, value)),
    list: async (folder) => {
      const values: Json[] = [];
      for await (const { path } of storage.list(checkPayloadPath(folder))) {
        const stored = await storage.read(path);
        if (stored !== undefined) values.push(await unpackJson(packing, stored));
      }
      return values;
    },
  };
}
