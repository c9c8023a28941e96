// Results and payloads as files: the local claim check. A write is a temporary file renamed into place, so a reader sees
// the whole value or none, also after kill -9.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { PayloadRef, PayloadStore, ResultStore } from '../../contract/payload.ts';

const SAFE_KEY = /^[\w-]{1,128}$/;

function pathOf(folder: string, key: string): string {
  if (!SAFE_KEY.test(key)) throw new RangeError(`not a storage key: ${key.slice(0, 40)}`);
  return join(folder, key.slice(0, 2), `${key}.json`);
}

async function write(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const create = (): Promise<void> => writeFile(temporary, text, { flag: 'wx' });
  try {
    // The folder is there but for the first time: to ask for it before every write costs as much as the write.
    await create().catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await mkdir(dirname(path), { recursive: true });
      await create();
    });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function createResultStore(folder: string): ResultStore {
  return {
    get: async (key) => {
      const text = await read(pathOf(folder, key));
      return text === undefined ? undefined : (JSON.parse(text) as Json);
    },
    put: (key, value) => write(pathOf(folder, key), JSON.stringify(value)),
  };
}

export function createPayloadStore(folder: string): PayloadStore {
  return {
    put: async (value) => {
      const text = JSON.stringify(value);
      const key = createHash('sha256').update(text).digest('base64url');
      const path = pathOf(folder, key);
      if ((await read(path)) === undefined) await write(path, text);
      const ref: PayloadRef = {
        $payload: key,
        bytes: Buffer.byteLength(text),
        ...(Array.isArray(value) ? { count: value.length } : {}),
      };
      return ref;
    },
    get: async (ref) => {
      const text = await read(pathOf(folder, ref.$payload));
      if (text === undefined)
        throw new QuorateError('PAYLOAD_NOT_FOUND', `payload ${ref.$payload} is not in ${folder}`);
      return JSON.parse(text) as Json;
    },
  };
}
