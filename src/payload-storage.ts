// The payload store that a configuration asks for: a container of Blob storage, or a folder of the data folder.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { dataFolderOf, type Target } from './connection.ts';
import type { ResolvedConfig } from './contract/config.ts';
import { QuorateError } from './contract/errors.ts';
import type { Payloads, ResultStore, Storage } from './contract/payload.ts';
import { createFolderStorage } from './storage/folder.ts';
import { createPacking } from './storage/packing.ts';
import { createPayloads, createResults } from './storage/payloads.ts';

export interface Stores {
  readonly payloads: Payloads;
  readonly results: ResultStore;
}

export interface OpenedPayloads extends Stores {
  readonly storage: Storage;
}

export async function openPayloads(config: ResolvedConfig, target: Target): Promise<OpenedPayloads> {
  const storage = await openStorage(config);
  const packing = createPacking({
    compress: config.payloadCompression === 'brotli',
    codecs: config.payloadCodecs,
  });
  return {
    storage,
    payloads: createPayloads(storage, packing, scopeOf(config, target)),
    results: createResults(storage, packing),
  };
}

async function openStorage(config: ResolvedConfig): Promise<Storage> {
  const { payloadContainer: container, payloadConnectionString: connectionString } = config;
  if (container === undefined && connectionString === undefined)
    return createFolderStorage(join(dataFolderOf(config), 'payloads'));
  if (container === undefined)
    throw new QuorateError('CONFIG_INVALID', 'payloadContainer: payloadConnectionString needs its name');
  const isUrl = /^https?:\/\//.test(container);
  if (isUrl !== (connectionString === undefined))
    throw new QuorateError(
      'CONFIG_INVALID',
      'payloadContainer: a URL, or a name together with payloadConnectionString',
    );
  const { createBlobStorage } = await import('./bridge/blob-storage.ts');
  return createBlobStorage(
    connectionString === undefined
      ? { kind: 'url', url: container }
      : { kind: 'connectionString', connectionString, container },
    config.topology === 'apply',
  );
}

/** Namespaces and prefixes may share a container: each has actors of its own under the same ids. */
function scopeOf({ prefix }: ResolvedConfig, target: Target): string {
  const where = target.mode === 'embedded' ? 'embedded' : target.endpoint;
  return createHash('sha256')
    .update(JSON.stringify([where, prefix]))
    .digest('hex')
    .slice(0, 12);
}
