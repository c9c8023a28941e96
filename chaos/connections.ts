// What lies between hosts and broker: connections that can be cut without a goodbye.
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Connections {
  readonly port: number;
  cut(): void;
  close(): void;
}

export async function startConnections(target: number): Promise<Connections> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
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
    client.pipe(broker);
    broker.pipe(client);
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
    cut,
    close: () => {
      server.close();
      cut();
    },
  };
}
