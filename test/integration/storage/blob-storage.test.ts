// Blob storage as a store of payloads, over a real socket to Microsoft's emulator.
import { randomUUID } from 'node:crypto';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../src/client/connect.ts';
import type { AgentContext } from '../../../src/contract/config.ts';
import type { Storage } from '../../../src/contract/payload.ts';
import { createBlobStorage } from '../../../src/storage/blob-storage.ts';
import { createPacking } from '../../../src/storage/packing.ts';
import { createPayloads } from '../../../src/storage/payloads.ts';
import { createStreamFiles } from '../../../src/storage/stream-files.ts';
import { AZURITE_KEY, type Azurite, installAzurite, startAzurite } from '../../kit/azurite.ts';
import { liveLarge } from '../../kit/large.ts';
import { createRandom } from '../../kit/random.ts';
import { app, startRuntime } from '../../kit/runtime.ts';
import { holdsStreamLaw } from '../../kit/stream-law.ts';

const START_MS = 60_000;
const packing = createPacking({ compress: false, codecs: [] });
const installed = await installAzurite();
if (installed.kind === 'unreachable')
  console.log(`skipped: azurite is not installed, and the registry does not answer (${installed.why})`);

describe.skipIf(installed.kind === 'unreachable')('Blob storage', () => {
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    if (installed.kind === 'installed') azurite = await startAzurite(installed.folder);
  }, START_MS);
  afterAll(() => azurite?.[Symbol.asyncDispose]());

  const target = (container = `c${randomUUID()}`) =>
    ({ kind: 'connectionString', connectionString: azurite?.connectionString ?? '', container }) as const;
  const paths = async (storage: Storage, folder: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { path } of storage.list(folder)) found.push(path);
    return found.sort();
  };
  const bytes = (text: string): Uint8Array => Buffer.from(text);

  it('keeps, replaces, lists and removes', async () => {
    const storage = await createBlobStorage(target(), true);
    expect(await storage.read('a/one')).toBeUndefined();
    for (const path of ['a/one', 'a/b/two', 'ab/three']) await storage.write(path, bytes(path));
    await storage.write('a/one', bytes('new'));
    expect(Buffer.from((await storage.read('a/one')) ?? []).toString()).toBe('new');
    expect(await paths(storage, 'a')).toEqual(['a/b/two', 'a/one']);
    for await (const { writtenAt } of storage.list('a'))
      expect(Math.abs(writtenAt - Date.now())).toBeLessThan(60_000);
    for (let twice = 0; twice < 2; twice++) {
      await storage.removeFolder('a');
      await storage.remove('ab/none');
    }
    expect(await paths(storage, 'a')).toEqual([]);
    expect(await paths(storage, 'ab')).toEqual(['ab/three']);
  });

  it('keeps streams in one order, to which several processes append', async () => {
    const where = target();
    const storages = [await createBlobStorage(where, true), await createBlobStorage(where, false)];
    const stores = storages.map((storage) => createStreamFiles(storage, packing));
    await holdsStreamLaw(stores, 'scope/m/one/life/stream', createRandom(), 20);
    expect(await stores[0]?.read('scope/m/none/life/stream', 0, Date.now())).toEqual([]);
    await storages[1]?.removeFolder('scope/m/one/life');
    expect(await stores[0]?.read('scope/m/one/life/stream', 0, Date.now())).toEqual([]);
  });

  it('carries a stream to a client that shares nothing else with its writer', async () => {
    const { container, connectionString } = target();
    const blobs = {
      payloadContainer: container,
      payloadConnectionString: connectionString,
      topology: 'apply',
    } as const;
    const may = Promise.withResolvers<void>();
    await using test = await startRuntime({
      ...blobs,
      machines: { teller: app('teller.machine.ts', 'teller') },
      agents: {
        tell: {
          run: async (_input: unknown, { stream }: AgentContext) => {
            stream('once');
            await may.promise;
            stream('more');
            return null;
          },
        },
      },
    });
    await test.runtime.client.start('teller', { id: 'one' });
    const other = await connect({ data: test.data, ...blobs, env: {} });
    const said: unknown[] = [];
    for await (const item of other.stream('teller', 'one')) {
      said.push('value' in item ? item.value : item.kind);
      may.resolve();
    }
    expect(said).toEqual(['once', 'more', 'ended']);
    const client = new ContainerClient(connectionString, container);
    const stored = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { name } of client.listBlobsFlat()) if (name.includes('/stream/')) found.push(name);
      return found;
    };
    expect(await stored()).toHaveLength(1);
    await other.actors.purge('teller', 'one');
    await other.close();
    expect(await stored()).toEqual([]);
  });

  it('makes the key of its payloads once for all that start together, out of reach of every reference', async () => {
    const where = target();
    await createBlobStorage(where, true);
    const stores = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const storage = await createBlobStorage(where, false);
        return { storage, payloads: createPayloads(storage, packing, 'scope') };
      }),
    );
    const seals = await Promise.all(stores.map(({ payloads }) => payloads.seal()));
    expect(new Set(seals.map((seal) => seal.sign('x'))).size).toBe(1);
    const [{ storage, payloads } = {}] = stores;
    if (storage === undefined || payloads === undefined) throw new Error('no store');
    const before = await paths(storage, 'keys');
    expect(before).toEqual(['keys/scope/1']);
    for (const $payload of [
      'keys/scope/1',
      'a/../keys/scope/1',
      '/keys/scope/1',
      './keys/scope/1',
      'keys//scope/1',
    ]) {
      await expect(payloads.get({ $payload, bytes: 1 })).rejects.toMatchObject({ code: 'PAYLOAD_NOT_FOUND' });
      await payloads.remove({ $payload, bytes: 1 });
    }
    expect(await paths(storage, 'keys')).toEqual(before);
    expect(await storage.create('keys/scope/1', bytes('other'))).toBe(false);
  });

  it('removes a folder of more blobs than it removes at once', async () => {
    const storage = await createBlobStorage(target(), true);
    await Promise.all(Array.from({ length: 50 }, (_, at) => storage.write(`a/${at}`, bytes('x'))));
    await storage.removeFolder('a');
    expect(await paths(storage, 'a')).toEqual([]);
  });

  it('is said to be missing, wrongly keyed or away by code, never with its key', async () => {
    const { connectionString, container } = target();
    const wrongKey = connectionString.replace(AZURITE_KEY, Buffer.from('wrong').toString('base64'));
    const cases = [
      [{ ...target(), container }, 'TOPOLOGY_MISMATCH'],
      [{ ...target(), connectionString: wrongKey }, 'UNAUTHORIZED'],
      [{ ...target(), connectionString: `${AZURITE_KEY};nonsense` }, 'CONFIG_INVALID'],
    ] as const;
    for (const [where, code] of cases) {
      const error: unknown = await createBlobStorage(where, false).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code });
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(AZURITE_KEY);
    }
  });

  it('carries large values every way there is, and is empty afterwards', async () => {
    const { connectionString, container } = target();
    const client = new ContainerClient(connectionString, container);
    const stored = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { name } of client.listBlobsFlat()) found.push(name);
      return found;
    };
    const store = { payloadContainer: container, payloadConnectionString: connectionString } as const;
    await liveLarge({ ...store, topology: 'apply' }, stored);
  });

  it('is refused at the start when its container is missing', async () => {
    const { connectionString, container } = target();
    const store = { payloadContainer: container, payloadConnectionString: connectionString };
    await expect(startRuntime({ machines: {}, ...store })).rejects.toMatchObject({
      code: 'TOPOLOGY_MISMATCH',
    });
  });
});
