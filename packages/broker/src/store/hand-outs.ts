/**
 * Which messages are in somebody's hands: a log beside the data file, so that a delivery that ended with the process counts
 * like one whose lock ran out (docs/decisions/0068). It is written without a sync: it survives the process, not the machine,
 * and costs a small write for all that leaves within two milliseconds.
 */
import { closeSync, fstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'broker.deliveries';
const OWNER_ONLY = 0o600;
/** Entity, count and number; a last one that is not whole was not written. */
const ENTRY_BYTES = 16;
const BUFFER_ENTRIES = 4096;
/** Between two writes: they take microseconds each, and a busy broker hands out thousands of messages a second. */
const GAP_MS = 2;
/** Then it is begun anew with what is in hand at the moment. */
const LONGEST_BYTES = 1024 * 1024;
/** Stands in the place of the count of a message that was given back, which does not count. */
const BACK = 0xffff_ffff;

export interface HandOut {
  readonly entity: number;
  readonly seq: number;
  /** Before this delivery. */
  readonly deliveryCount: number;
}

export class HandOuts {
  readonly #file: string;
  readonly #held: () => Iterable<HandOut>;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_ENTRIES * ENTRY_BYTES);
  #descriptor: number | undefined;
  #buffered = 0;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #bytes: number;

  /** `held` gives what is in hand now. */
  constructor(folder: string, held: () => Iterable<HandOut>) {
    this.#file = join(folder, FILE);
    this.#held = held;
    this.#descriptor = openSync(this.#file, 'a', OWNER_ONLY);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  /** It leaves under a lock. */
  out({ entity, seq, deliveryCount }: HandOut): void {
    this.#add(entity, seq, deliveryCount);
  }

  /** Records that a message was given back. */
  back({ entity, seq }: Omit<HandOut, 'deliveryCount'>): void {
    this.#add(entity, seq, BACK);
  }

  close(): void {
    this.#flush();
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** Stops as if the process had died. */
  abandon(): void {
    this.#buffered = 0;
    this.close();
  }

  #add(entity: number, seq: number, count: number): void {
    if (this.#buffered === 0) this.#schedule();
    this.#buffered = put(this.#buffer, this.#buffered, entity, seq, count);
    if (this.#buffered === this.#buffer.length) this.#flush();
  }

  /** At once, so that what ends the process on its first message is counted; under load once a gap. */
  #schedule(): void {
    const wait = this.#flushedAt + GAP_MS - performance.now();
    // Before rhea writes what is handed out, which it does in a tick that is asked for later.
    if (wait <= 0) process.nextTick(() => this.#flush());
    else setTimeout(() => this.#flush(), Math.ceil(wait)).unref();
  }

  #flush(): void {
    if (this.#buffered === 0 || this.#descriptor === undefined) return;
    const bytes = this.#buffered;
    this.#buffered = 0;
    this.#flushedAt = performance.now();
    try {
      this.#bytes += writeSync(this.#descriptor, this.#buffer, 0, bytes);
      if (this.#bytes > LONGEST_BYTES) this.begin();
    } catch {
      // A full disk: what is in hand may be delivered once more than it counts.
    }
  }

  /** Anew, with what is in hand now. */
  begin(): void {
    const held = [...this.#held()];
    const bytes = Buffer.allocUnsafe(held.length * ENTRY_BYTES);
    let end = 0;
    for (const { entity, seq, deliveryCount } of held) end = put(bytes, end, entity, seq, deliveryCount);
    const draft = `${this.#file}.${process.pid}`;
    const next = openSync(draft, 'w', OWNER_ONLY);
    try {
      writeSync(next, bytes);
      renameSync(draft, this.#file);
    } catch (error) {
      closeSync(next);
      throw error;
    }
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = next;
    this.#bytes = bytes.length;
  }
}

function put(buffer: Buffer, at: number, entity: number, seq: number, count: number): number {
  buffer.writeUInt32LE(entity, at);
  buffer.writeUInt32LE(count, at + 4);
  buffer.writeDoubleLE(seq, at + 8);
  return at + ENTRY_BYTES;
}

/** Reads what was in hand when the process before ended, each message once, and perhaps some that were settled since. */
export function readHandOuts(folder: string): HandOut[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(folder, FILE));
  } catch {
    return [];
  }
  const last = new Map<string, HandOut>();
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    const entity = bytes.readUInt32LE(at);
    const deliveryCount = bytes.readUInt32LE(at + 4);
    const seq = bytes.readDoubleLE(at + 8);
    const key = `${entity}/${seq}`;
    if (deliveryCount === BACK) last.delete(key);
    else last.set(key, { entity, seq, deliveryCount });
  }
  return [...last.values()];
}
