/** Writing AMQP 1.0 values into one growing buffer. */
export class AmqpWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#at;
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#at++] = value;
    return this;
  }

  /** The constructor of a message section. */
  section(code: number): this {
    return this.byte(0x00).byte(0x53).byte(code);
  }

  /** A list or map of `count` values that `write` writes, with 4-byte size. */
  compound(code: 0xd0 | 0xd1, count: number, write: () => void): this {
    this.byte(code);
    this.#room(8);
    const sizeAt = this.#at;
    this.#at += 4;
    this.#at = this.#bytes.writeUInt32BE(count, this.#at);
    write();
    this.#bytes.writeUInt32BE(this.#at - sizeAt - 4, sizeAt);
    return this;
  }

  uint(value: number): this {
    this.#room(5);
    this.#bytes[this.#at] = 0x70;
    this.#at = this.#bytes.writeUInt32BE(value, this.#at + 1);
    return this;
  }

  int(value: number): this {
    this.#room(5);
    this.#bytes[this.#at] = 0x71;
    this.#at = this.#bytes.writeInt32BE(value, this.#at + 1);
    return this;
  }

  long(value: number): this {
    return this.#eight(0x81, value);
  }

  /** A long beyond the whole numbers of a double. */
  longLong(value: bigint): this {
    this.#room(9);
    this.#bytes[this.#at] = 0x81;
    this.#at = this.#bytes.writeBigInt64BE(value, this.#at + 1);
    return this;
  }

  double(value: number): this {
    this.#room(9);
    this.#bytes[this.#at] = 0x82;
    this.#at = this.#bytes.writeDoubleBE(value, this.#at + 1);
    return this;
  }

  timestamp(value: number): this {
    return this.#eight(0x83, value);
  }

  string(value: string): this {
    return this.#text(0xa1, value);
  }

  symbol(value: string): this {
    return this.#text(0xa3, value);
  }

  binary(value: Uint8Array): this {
    this.#room(5);
    this.#bytes[this.#at] = 0xb0;
    this.#at = this.#bytes.writeUInt32BE(value.length, this.#at + 1);
    return this.raw(value);
  }

  #eight(code: number, value: number): this {
    this.#room(9);
    this.#bytes[this.#at] = code;
    this.#bytes.writeInt32BE(Math.floor(value / 2 ** 32), this.#at + 1);
    this.#at = this.#bytes.writeUInt32BE((value % 2 ** 32) >>> 0, this.#at + 5);
    return this;
  }

  #text(shortCode: number, value: string): this {
    const length = Buffer.byteLength(value);
    this.#room(length + 5);
    if (length < 256) {
      this.#bytes[this.#at] = shortCode;
      this.#bytes[this.#at + 1] = length;
      this.#at += 2;
    } else {
      this.#bytes[this.#at] = shortCode + 0x10;
      this.#at = this.#bytes.writeUInt32BE(length, this.#at + 1);
    }
    this.#at += this.#bytes.write(value, this.#at);
    return this;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes));
    this.#bytes.copy(bigger, 0, 0, this.#at);
    this.#bytes = bigger;
  }
}
