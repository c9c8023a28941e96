// What a real client says, frame by frame, taken down on its way to the broker.

import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';

const HEADER = 'AMQP';
const HEADER_BYTES = 8;

export interface Recorder extends AsyncDisposable {
  readonly port: number;
  /** One list for each connection so far: headers and frames in their order. */
  readonly exchanges: () => Buffer[][];
}

export async function recorder(brokerPort: number): Promise<Recorder> {
  const said: Buffer[][] = [];
  const server = createServer({ noDelay: true }, (client) => {
    const chunks: Buffer[] = [];
    said.push(chunks);
    const broker = connect({ port: brokerPort, host: '127.0.0.1', noDelay: true });
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    client.pipe(broker).pipe(client);
    for (const socket of [client, broker]) socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    exchanges: () => said.map((chunks) => framesIn(Buffer.concat(chunks))),
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function framesIn(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const header = bytes.toString('latin1', at, at + HEADER.length) === HEADER;
    const size = header ? HEADER_BYTES : bytes.readUInt32BE(at);
    frames.push(bytes.subarray(at, at + size));
    at += size;
  }
  return frames;
}
