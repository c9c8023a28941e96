/**
 * Second transfers of messages that a fault delivers twice. A copy has a lock token that no queue knows: whatever a
 * client does with it is confirmed and changes nothing.
 */
import { randomBytes } from 'node:crypto';
import { confirmation, settleDelivery } from './dispositions.ts';
import { type Delivery, remoteOutcome, type Sender, sendUnsettled } from './rhea.ts';

const TOKEN_BYTES = 16;

export class Copies {
  readonly #sender: Sender;
  readonly #waiting: Buffer[] = [];
  readonly #open = new Set<Delivery>();

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  add(encoded: Buffer): void {
    this.#waiting.push(encoded);
  }

  /** Sent and not settled. */
  get open(): number {
    return this.#open.size;
  }

  /** Sends what there is room for; returns how many. */
  send(room: number): number {
    const copies = this.#waiting.splice(0, Math.max(room, 0));
    for (const encoded of copies) {
      this.#open.add(sendUnsettled(this.#sender, encoded, toDeliveryTag(randomBytes(TOKEN_BYTES))));
    }
    return copies.length;
  }

  settle(delivery: Delivery): void {
    const wire = remoteOutcome(delivery);
    if (wire && this.#open.delete(delivery)) settleDelivery(delivery, confirmation(wire));
  }
}

/** Delivery tags carry the lock token as a .NET GUID: its first three fields are little-endian. */
const DOTNET_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/**
 * The tag of a message without a lock. It is as long as a lock token, because some clients read one from every tag
 * (azservicebus for Rust).
 */
export function settledTag(count: number): Buffer {
  const tag = Buffer.alloc(16);
  tag.writeUInt32BE(count >>> 0, 12);
  return tag;
}

export function toDeliveryTag(token: Buffer): Buffer {
  const tag = Buffer.allocUnsafe(16);
  for (let index = 0; index < 16; index += 1) tag[index] = token[DOTNET_ORDER[index] ?? 0] ?? 0;
  return tag;
}
