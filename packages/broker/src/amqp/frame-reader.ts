/** Cuts the bytes of a connection into protocol headers and frames, and keeps no more than one unfinished frame. */
import { MalformedError } from '../codec/verify.ts';

/** The largest frame that the broker takes, named in its open frame; the service's own limit. */
export const MAX_FRAME_BYTES = 65_536;
export const HEADER_BYTES = 8;
const FIRST_ROOM_BYTES = 1024;

export class FrameReader {
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** A frame of which only the beginning is here. */
  #partial: Buffer = Buffer.alloc(0);
  #filled = 0;

  /** Bytes kept until more of them come. */
  get held(): number {
    return this.#partial.length + this.#chunk.length - this.#at;
  }

  /** Only when `next` has given everything out. */
  push(chunk: Buffer): void {
    this.#chunk =
      this.#at < this.#chunk.length ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
  }

  /** The next frame, or with `header` the next eight bytes; undefined until they are here. */
  next(header: boolean): Buffer | undefined {
    const size = this.#size(header);
    if (size === undefined) return undefined;
    if (this.#filled > 0) return this.#finish(size);
    if (this.#chunk.length - this.#at < size) {
      this.#keep(size);
      return undefined;
    }
    const frame = this.#chunk.subarray(this.#at, this.#at + size);
    this.#at += size;
    return frame;
  }

  /** Size of the next frame, once its first eight bytes are here. */
  #size(header: boolean): number | undefined {
    if (this.#filled === 0 && this.#chunk.length - this.#at >= HEADER_BYTES) {
      return header ? HEADER_BYTES : checked(this.#chunk.readUInt32BE(this.#at));
    }
    if (this.#filled < HEADER_BYTES) this.#keep(HEADER_BYTES);
    if (this.#filled < HEADER_BYTES) return undefined;
    return header ? HEADER_BYTES : checked(this.#partial.readUInt32BE());
  }

  #finish(size: number): Buffer | undefined {
    this.#keep(size);
    if (this.#filled < size) return undefined;
    const frame = this.#partial.subarray(0, size);
    this.#partial = Buffer.alloc(0);
    this.#filled = 0;
    return frame;
  }

  /**
   * Takes from the chunk what belongs to the unfinished frame. Room grows with what has come, and not with the size that
   * a frame claims.
   */
  #keep(size: number): void {
    const count = Math.min(size - this.#filled, this.#chunk.length - this.#at);
    const needed = this.#filled + count;
    if (needed > this.#partial.length) {
      const room = Math.min(Math.max(needed, this.#partial.length * 2, FIRST_ROOM_BYTES), MAX_FRAME_BYTES);
      const grown = Buffer.allocUnsafe(room);
      this.#partial.copy(grown, 0, 0, this.#filled);
      this.#partial = grown;
    }
    this.#chunk.copy(this.#partial, this.#filled, this.#at, this.#at + count);
    this.#filled = needed;
    this.#at += count;
    if (this.#at === this.#chunk.length) {
      this.#chunk = Buffer.alloc(0);
      this.#at = 0;
    }
  }
}

function checked(size: number): number {
  if (size < HEADER_BYTES) throw new MalformedError(`a frame of ${size} bytes is too short`);
  if (size > MAX_FRAME_BYTES) {
    throw new MalformedError(`a frame of ${size} bytes is over the limit of ${MAX_FRAME_BYTES}`);
  }
  return size;
}
