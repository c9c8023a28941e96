// Opens the stores that a configuration asks for: a container of Blob storage, or the data folder.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { dataFolderOf, type Target } from '../config/target.ts';
import type { ResolvedConfig } from '../contract/config.ts';
import { QuorateError } from '../contract/errors.ts';
import type {
  CancellationStore,
  Payloads,
  ResultStore,
  Storage,
  TaskClaimStore,
} from '../contract/payload.ts';
import type { StreamStore } from '../contract/stream.ts';
import { createCancellationFiles } from './cancellations.ts';
import { createFolderStorage, makeFolder } from './folder.ts';
import { createPacking, type Packing } from './packing.ts';
import { createPayloads, createResults } from './payloads.ts';
import { createStreamFiles } from './stream-files.ts';
import { createTaskClaimFiles } from './task-claims.ts';

export interface Stores {
  readonly payloads: Payloads;
  readonly results: ResultStore;
  readonly cancellations: CancellationStore;
  readonly taskClaims: TaskClaimStore;
  readonly streams: StreamStore;
}

/** The stores of a runtime. Removing a folder removes the results in it as well. */
export interface OpenedStores extends Stores {
  /** On the disk of this machine: a look costs next to nothing. */
  readonly isLocal: boolean;
  readonly close: () => void;
}

interface OpenedStreams {
  readonly streams: StreamStore;
  readonly close: () => void;
}

export interface StreamsOnDemand {
  readonly open: () => Promise<StreamStore>;
  readonly close: () => Promise<void>;
}

export async function openPayloads(config: ResolvedConfig, target: Target): Promise<Payloads> {
  return createPayloads(await openStorage(config), packingOf(config), scopeOf(config, target));
}

export async function openStores(config: ResolvedConfig, target: Target): Promise<OpenedStores> {
  const packing = packingOf(config);
  const storage = await openStorage(config);
  const scope = scopeOf(config, target);
  const payloads = createPayloads(storage, packing, scope);
  const files = createResults(storage, packing);
  if (config.payloadContainer !== undefined || !isLocal(target)) {
    const cancellations = createCancellationFiles(storage, scope);
    const taskClaims = createTaskClaimFiles(storage, scope);
    const streams = createStreamFiles(storage, packing);
    return { payloads, results: files, cancellations, taskClaims, streams, isLocal: false, close: () => {} };
  }
  const folder = dataFolderOf(config);
  makeFolder(folder);
  // SQLite is loaded where it is used.
  const [{ openDatabase }, { ResultTable }, { createCancellationTable, createTaskClaimTable }, streamTable] =
    await Promise.all([
      import('./database.ts'),
      import('./result-table.ts'),
      import('./control-tables.ts'),
      import('./stream-table.ts'),
    ]);
  const db = await openDatabase(join(folder, 'results.db'));
  const table = new ResultTable(db, packing, files);
  const streams = streamTable.createStreamTable(db, packing);
  const removeFolder = async (path: string): Promise<void> => {
    await payloads.removeFolder(path);
    await table.removeFolder(path);
    await streams.removeFolder(path);
  };
  return {
    payloads: { ...payloads, removeFolder },
    results: table,
    cancellations: createCancellationTable(db, scope),
    taskClaims: createTaskClaimTable(db, scope),
    streams,
    isLocal: true,
    close: () => db.close(),
  };
}

/** What is streamed, for a client in a process that hosts nothing: opened when it is first asked for. */
export function streamsOnDemand(config: ResolvedConfig, target: Target): StreamsOnDemand {
  let opened: Promise<OpenedStreams> | undefined;
  return {
    open: async () => (await (opened ??= openStreams(config, target))).streams,
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

async function openStreams(config: ResolvedConfig, target: Target): Promise<OpenedStreams> {
  const packing = packingOf(config);
  if (config.payloadContainer !== undefined || !isLocal(target)) {
    return { streams: createStreamFiles(await openStorage(config), packing), close: () => {} };
  }
  const folder = dataFolderOf(config);
  makeFolder(folder);
  const [{ openDatabase }, { createStreamTable }] = await Promise.all([
    import('./database.ts'),
    import('./stream-table.ts'),
  ]);
  const db = await openDatabase(join(folder, 'results.db'));
  return { streams: createStreamTable(db, packing), close: () => db.close() };
}

/** What processes on other machines do not see; undefined where they share a store, or are on this machine. */
export function unshared(config: ResolvedConfig, target: Target): string | undefined {
  if (config.payloadContainer !== undefined || isLocal(target)) return undefined;
  return `results, large values and cancellations lie in ${dataFolderOf(config)}: processes on other machines do not see them`;
}

/** Hosts of one machine share its disk. The folder of others may be a share, over which SQLite's locks do not hold. */
function isLocal(target: Target): boolean {
  return target.mode === 'embedded' || /^(127\.|localhost\b|\[::1\])/.test(target.endpoint);
}

function packingOf({ payloadCompression, payloadCodecs }: ResolvedConfig): Packing {
  return createPacking({ compress: payloadCompression === 'brotli', codecs: payloadCodecs });
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
  const { createBlobStorage } = await import('./blob-storage.ts');
  return createBlobStorage(
    connectionString === undefined
      ? { kind: 'url', url: container }
      : { kind: 'connectionString', connectionString, container },
    config.topology === 'apply',
  );
}

/** Namespaces and prefixes may share a container and have different actors under the same ids. */
function scopeOf({ prefix }: ResolvedConfig, target: Target): string {
  const where = target.mode === 'embedded' ? 'embedded' : target.endpoint;
  return createHash('sha256')
    .update(JSON.stringify([where, prefix]))
    .digest('hex')
    .slice(0, 12);
}
