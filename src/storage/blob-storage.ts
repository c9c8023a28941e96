// A container of Azure Blob storage as a storage for payloads. Its SDK is loaded only when a container is configured.
import type { ContainerClient } from '@azure/storage-blob';
import { loadBlobStorage } from '../common/optional-packages.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Storage, StorageAppend } from '../contract/payload.ts';

export type BlobTarget =
  /** With DefaultAzureCredential, as for the namespace. */
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'connectionString'; readonly connectionString: string; readonly container: string };

const NOT_FOUND = 404;
const BEHIND_ITS_END = 416;
/** After 50,000 appends. */
const FULL = 'BlockCountExceedsLimit';
/** Status of a write that asked for nothing to be there, and something was. */
const THERE = new Set([409, 412]);
/** Removals under way at once. */
const REMOVALS = 16;

export async function createBlobStorage(target: BlobTarget, create: boolean): Promise<Storage> {
  const container = await openContainer(target);
  await said<unknown>(create ? container.createIfNotExists() : container.getProperties());
  return {
    write: async (path, bytes) => {
      await said(container.getBlockBlobClient(path).uploadData(bytes));
    },
    create: (path, bytes) => said(createBlob(container, path, bytes)),
    read: (path) => said(download(container, path)),
    append: (path, bytes, isNew) => said(appendTo(container, path, bytes, isNew)),
    readFrom: (path, offset, count) => said(download(container, path, offset, count)),
    remove: async (path) => {
      await said(container.getBlobClient(path).deleteIfExists());
    },
    removeFolder: (path) => said(removeAll(container, `${path}/`)),
    list: async function* (folder) {
      for await (const { name, properties } of container.listBlobsFlat({ prefix: `${folder}/` }))
        yield { path: name, writtenAt: properties.lastModified.getTime() };
    },
  };
}

async function createBlob(container: ContainerClient, path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await container.getBlockBlobClient(path).uploadData(bytes, { conditions: { ifNoneMatch: '*' } });
    return true;
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: unknown };
    if (THERE.has(statusCode ?? 0) && (code === 'BlobAlreadyExists' || code === 'ConditionNotMet'))
      return false;
    throw error;
  }
}

async function appendTo(
  container: ContainerClient,
  path: string,
  bytes: Uint8Array,
  isNew: boolean,
): Promise<StorageAppend> {
  const blob = container.getAppendBlobClient(path);
  for (let isMade = !isNew; ; isMade = true) {
    try {
      const { blobAppendOffset: at } = await blob.appendBlock(bytes, bytes.length);
      return { kind: 'added', at: at === undefined ? undefined : Number(at) };
    } catch (error) {
      const code = codeOf(error);
      if (code === FULL) return { kind: 'full' };
      if (code !== 'BlobNotFound') throw error;
      if (isMade) return { kind: 'missing' };
      await blob.createIfNotExists();
    }
  }
}

/** One request: the SDK's own downloadToBuffer asks for the size first. */
async function download(
  container: ContainerClient,
  path: string,
  offset?: number,
  count?: number,
): Promise<Uint8Array | undefined> {
  try {
    const { readableStreamBody } = await container.getBlobClient(path).download(offset, count);
    const chunks: Uint8Array[] = [];
    for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
    if (statusCode === BEHIND_ITS_END) return new Uint8Array();
    if (statusCode === NOT_FOUND && code !== 'ContainerNotFound') return undefined;
    throw error;
  }
}

async function removeAll(container: ContainerClient, prefix: string): Promise<void> {
  let removals: Promise<unknown>[] = [];
  for await (const { name } of container.listBlobsFlat({ prefix })) {
    removals.push(container.getBlobClient(name).deleteIfExists());
    if (removals.length < REMOVALS) continue;
    await Promise.all(removals);
    removals = [];
  }
  await Promise.all(removals);
}

async function openContainer(target: BlobTarget): Promise<ContainerClient> {
  const sdk = await loadBlobStorage();
  try {
    if (target.kind === 'connectionString')
      return new sdk.ContainerClient(target.connectionString, target.container);
    const { DefaultAzureCredential } = await import('@azure/identity');
    return new sdk.ContainerClient(target.url, new DefaultAzureCredential());
  } catch {
    // What the SDK says may quote what it was given, key and all.
    throw new QuorateError(
      'CONFIG_INVALID',
      'payloadContainer: Blob storage cannot be reached with it and its connection string as they are',
    );
  }
}

/** Gives the SDK's errors our codes. Their text is left out: it quotes requests, signatures included. */
async function said<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = codeOf(error);
    const status = (error as { statusCode?: unknown } | null)?.statusCode;
    const what = `Blob storage: ${typeof code === 'string' ? code : 'no answer'}`;
    if (code === 'ContainerNotFound')
      throw new QuorateError('TOPOLOGY_MISMATCH', `${what} (payloadContainer)`);
    if (status === 401 || status === 403) throw new QuorateError('UNAUTHORIZED', what);
    throw new QuorateError('CONNECTION_FAILED', what);
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
