// A loopback TCP relay that can be shut: what a blocked port looks like to both sides.

import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export interface Gate extends AsyncDisposable {
  readonly port: number;
  /** Drops every connection and refuses new ones until `open`. */
  shut(): void;
  open(): void;
}

export async function openGate(target: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let isOpen = true;
  const server = createServer((client) => {
    if (!isOpen) return client.destroy();
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    shut: () => {
      isOpen = false;
      drop();
    },
    open: () => {
      isOpen = true;
    },
    [Symbol.asyncDispose]: async () => {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
