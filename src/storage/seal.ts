// The key of a payload store. It lies in the store, so a process that works on the store has it, and one that can only send
// messages does not. What a message says of the store is signed with it.
import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { QuorateError } from '../contract/errors.ts';
import type { Seal, Storage } from '../contract/payload.ts';
import { KEYS } from './paths.ts';

const MAGIC = 'quorate-key/1';
const KEY_BYTES = 32;
const WHOLE = new RegExp(`^${MAGIC} ([\\w-]{43})\n$`);
/** 128 bits. */
const MAC_LENGTH = 22;
/** Where a file cannot appear whole, another process may be in the middle of writing it. */
const PAUSES_MS = [10, 50, 200, 0];
/** Rules that remove old payloads go by the time of writing: the key of a store that is used stays young. */
const RENEWED_AFTER_MS = 7 * 24 * 60 * 60 * 1_000;

/** Read when it is first needed, and made when the store has none: of processes that start at once one makes it for all. */
export function createSealer(storage: Storage, scope: string): () => Promise<Seal> {
  const path = `${KEYS}/${scope}/1`;
  let known: { readonly text: string; readonly seal: Seal; renewAt: number } | undefined;
  let loading: Promise<Seal> | undefined;

  const take = (text: string): Seal => {
    const seal = known?.text === text ? known.seal : sealWith(keyIn(text));
    known = { text, seal, renewAt: Date.now() + RENEWED_AFTER_MS };
    return seal;
  };
  const load = async (): Promise<Seal> => {
    const stored = await readText(storage, path);
    const own = known?.text ?? `${MAGIC} ${randomBytes(KEY_BYTES).toString('base64url')}\n`;
    if (stored !== undefined && stored !== own) return take(stored);
    if (stored === own) await storage.write(path, Buffer.from(own));
    else if (!(await storage.create(path, Buffer.from(own))))
      return take((await readText(storage, path)) ?? own);
    return take(own);
  };
  const loadOnce = (): Promise<Seal> => {
    loading ??= load().finally(() => (loading = undefined));
    return loading;
  };

  return async () => {
    if (known === undefined) return loadOnce();
    if (Date.now() < known.renewAt) return known.seal;
    known.renewAt = Date.now() + RENEWED_AFTER_MS;
    // A known key stays in use when the store does not answer now.
    return loadOnce().catch(() => known?.seal ?? loadOnce());
  };
}

async function readText(storage: Storage, path: string): Promise<string | undefined> {
  for (const pause of PAUSES_MS) {
    const bytes = await storage.read(path);
    if (bytes === undefined) return undefined;
    const text = Buffer.from(bytes).toString('latin1');
    if (WHOLE.test(text)) return text;
    await sleep(pause);
  }
  throw new QuorateError(
    'PAYLOAD_UNREADABLE',
    `${path}: the key of the payload store is damaged; put it back, or stop all hosts and remove it`,
  );
}

function keyIn(text: string): Buffer {
  return Buffer.from(WHOLE.exec(text)?.[1] ?? '', 'base64url');
}

function sealWith(bytes: Buffer): Seal {
  // Prepared once: signing by the bytes takes five times as long.
  const key = createSecretKey(bytes);
  const sign = (...parts: readonly string[]): string =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url').slice(0, MAC_LENGTH);
  return {
    sign,
    isSigned: (mac, ...parts) => {
      if (typeof mac !== 'string' || mac.length !== MAC_LENGTH) return false;
      const [given, own] = [Buffer.from(mac), Buffer.from(sign(...parts))];
      return given.length === own.length && timingSafeEqual(given, own);
    },
  };
}
