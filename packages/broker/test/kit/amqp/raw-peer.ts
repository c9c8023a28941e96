// A client of hand-written frames: says exactly what it is told, and hears what comes back frame by frame.
import { createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { frame, string } from './encode.ts';
import {
  AMQP_HEADER,
  ATTACH,
  attach,
  BEGIN,
  begin,
  FLOW,
  flow,
  OPEN,
  open,
  RECEIVER,
  requestMessage,
  SENDER,
  TRANSFER,
  transfer,
} from './performatives.ts';

const HEADER_BYTES = 8;
const GREETING = 'AMQP';
const PATIENCE_MS = 60_000;

/** Where a broker is and how to get in. */
export interface Target {
  readonly port: number;
  readonly connectionString: string;
}

export interface Heard {
  readonly channel: number;
  /** Of the performative; -1 for an empty frame. */
  readonly code: number;
  readonly bytes: Buffer;
  /** For looking names and conditions up. */
  readonly text: string;
}

interface Waiter {
  readonly wants: (heard: Heard) => boolean;
  readonly resolve: (heard: Heard) => void;
}

export function sasToken(connectionString: string, audience: string): string {
  const [, keyName, key = ''] =
    /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(connectionString) ?? [];
  const resource = encodeURIComponent(audience);
  const expiry = Math.floor(Date.now() / 1000) + 3600;
  const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${keyName}`;
}

export class RawPeer {
  readonly socket: Socket;
  /** Resolves when the other side has hung up, however it did. */
  readonly closed: Promise<void>;
  readonly heard: Heard[] = [];
  #rest: Buffer = Buffer.alloc(0);
  readonly #waiters = new Set<Waiter>();

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  send(...bytes: Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(bytes));
  }

  /** On a channel. */
  say(channel: number, ...performatives: Buffer[]): void {
    this.send(...performatives.map((performative) => frame(channel, performative)));
  }

  /** The next frame of the kind, or the first that was heard already and is still kept. */
  async hears(code: number, has: string | number = ''): Promise<Heard> {
    const wants = (heard: Heard) =>
      heard.code === code && (typeof has === 'number' ? heard.channel === has : heard.text.includes(has));
    const at = this.heard.findIndex(wants);
    const [known] = at < 0 ? [] : this.heard.splice(at, 1);
    if (known) return known;
    return new Promise((resolve, reject) => {
      const fail = (why: string) =>
        reject(new Error(`0x${code.toString(16)} with '${has}' was not heard: ${why}`));
      const late = setTimeout(() => fail(`${PATIENCE_MS} ms`), PATIENCE_MS);
      const waiter: Waiter = {
        wants,
        resolve: (heard) => {
          clearTimeout(late);
          resolve(heard);
        },
      };
      this.#waiters.add(waiter);
      void this.closed.then(() => {
        clearTimeout(late);
        fail('the connection is closed');
      });
    });
  }

  hangUp(): void {
    this.socket.destroy();
  }

  /** Opens the connection without SASL and, with a key, gets a token for everything on channel 0. */
  static async opened(target: Target, openFields: Record<number, Buffer> = {}): Promise<RawPeer> {
    const peer = new RawPeer(target.port);
    peer.send(AMQP_HEADER, frame(0, open(openFields)));
    await peer.hears(OPEN);
    await peer.#authorize(target);
    return peer;
  }

  /** A session on the channel. */
  async begins(channel: number, fields: Record<number, Buffer> = {}): Promise<void> {
    this.say(channel, begin(fields));
    await this.hears(BEGIN, channel);
  }

  async #authorize({ port, connectionString }: Target): Promise<void> {
    await this.begins(0);
    this.say(0, attach({ address: '$cbs', role: RECEIVER, handle: 0, name: 'cbs-replies' }));
    this.say(0, attach({ address: '$cbs', role: SENDER, handle: 1, name: 'cbs-requests' }));
    await this.hears(ATTACH, 'cbs-requests');
    await this.hears(FLOW);
    this.say(0, flow(0, 10));
    const audience = `sb://127.0.0.1:${port}/`;
    const request = requestMessage(
      'token',
      'cbs-replies',
      [
        ['operation', string('put-token')],
        ['type', string('servicebus.windows.net:sastoken')],
        ['name', string(audience)],
      ],
      string(sasToken(connectionString, audience)),
    );
    this.send(frame(0, transfer({ handle: 1, id: 0, settled: true }), request));
    await this.hears(TRANSFER, 'Accepted');
  }

  #read(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER_BYTES) {
      // One greeting, or two with SASL.
      const greeting = this.#rest.toString('latin1', 0, GREETING.length) === GREETING;
      const size = greeting ? HEADER_BYTES : this.#rest.readUInt32BE();
      if (this.#rest.length < size) return;
      if (!greeting) this.#hear(this.#rest.subarray(0, size));
      this.#rest = this.#rest.subarray(size);
    }
  }

  #hear(bytes: Buffer): void {
    const channel = bytes.readUInt16BE(6);
    const code = bytes.length > HEADER_BYTES ? (bytes[HEADER_BYTES + 2] ?? -1) : -1;
    const heard = { channel, code, bytes, text: bytes.toString('latin1') };
    for (const waiter of this.#waiters) {
      if (!waiter.wants(heard)) continue;
      this.#waiters.delete(waiter);
      return waiter.resolve(heard);
    }
    if (this.heard.length < 1000) this.heard.push(heard);
  }
}
