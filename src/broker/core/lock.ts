import { randomFillSync } from 'node:crypto';
import type { ServiceError } from '../errors.ts';
import type { StoredMessage } from './message.ts';

/** A receiving link, as the core sees it. */
export interface Consumer {
  /** The link's name; requests over `$management` name it as `associated-link-name`. */
  readonly name: string;
  /** Messages are removed when they are handed out. */
  readonly receiveAndDelete: boolean;
  /** How many messages it can take now. */
  capacity(): number;
  /** `lock` is undefined when the message was removed instead of locked. */
  deliver(message: StoredMessage, bytes: Buffer, lock: Lock | undefined): void;
  /** Room promised to a message that is being removed for it. */
  reserve(): void;
  /** The session it held is no longer its own. */
  lost(error: ServiceError): void;
}

export class Lock {
  /** A GUID in RFC byte order. */
  readonly token: Buffer;
  readonly key: string;
  readonly message: StoredMessage;
  readonly holder: Consumer | undefined;
  until: number;
  /** Can be settled: false from the moment a settlement begins or the lock is lost. */
  open = true;

  constructor(message: StoredMessage, until: number, holder: Consumer | undefined) {
    this.token = drawToken();
    this.key = lockKey(this.token);
    this.message = message;
    this.until = until;
    this.holder = holder;
  }
}

export function lockKey(token: Buffer): string {
  return token.toString('latin1');
}

const TOKEN_BYTES = 16;
const POOL_TOKENS = 256;
let pool = Buffer.alloc(0);

function drawToken(): Buffer {
  if (pool.length === 0) pool = randomFillSync(Buffer.alloc(TOKEN_BYTES * POOL_TOKENS));
  const token = pool.subarray(0, TOKEN_BYTES);
  pool = pool.subarray(TOKEN_BYTES);
  return token;
}
