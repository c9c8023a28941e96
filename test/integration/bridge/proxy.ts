// A TCP proxy before the broker that can be silent or cut, and counts what passes.
import { connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  readonly port: number;
  /** How often these bytes went from client to broker. */
  seen(text: string): number;
  /** Calls `react` when these bytes go to the broker next. */
  onNext(text: string, react: () => void): void;
  /** Nothing passes to the client any more; what the client sends still does, unless `both`. */
  silence(both?: boolean): void;
  speak(): void;
  /** Cuts every connection; new ones pass. */
  cut(): void;
  close(): Promise<void>;
}

export async function startProxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let toBroker = '';
  let silentDown = false;
  let silentUp = false;
  let awaited: { readonly text: string; readonly react: () => void } | undefined;

  const server = createServer((client) => {
    const broker = connect(target, '127.0.0.1');
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        broker.destroy();
      });
    }
    client.on('data', (data) => {
      toBroker += data.toString('latin1');
      if (!silentUp) broker.write(data);
      if (awaited !== undefined && data.includes(awaited.text)) {
        const { react } = awaited;
        awaited = undefined;
        react();
      }
    });
    broker.on('data', (data) => {
      if (!silentDown) client.write(data);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();

  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    seen: (text) => toBroker.split(text).length - 1,
    onNext: (text, react) => {
      awaited = { text, react };
    },
    silence: (both = false) => {
      silentDown = true;
      silentUp = both;
    },
    speak: () => {
      silentDown = false;
      silentUp = false;
    },
    cut,
    close: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}
