/**
 * The port on which Microsoft's emulator answers HTTP: samples and health checks that were written for it have it in
 * them. What comes there is handed on to the broker's own port, which speaks everything.
 */
import { connect, createServer, type Socket } from 'node:net';

const EMULATOR_HTTP_PORT = 5300;
const LOOPBACK = '127.0.0.1';

export interface EmulatorPort {
  /** For the broker's greeting. */
  readonly says: string;
  close(): Promise<void>;
}

/** Somebody else may have it: then the broker runs without, and says so. */
export async function openEmulatorPort(to: number, port = EMULATOR_HTTP_PORT): Promise<EmulatorPort> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const broker = connect({ port: to, host: LOOPBACK, noDelay: true });
    for (const each of [socket, broker]) {
      sockets.add(each);
      each.on('error', () => {});
      each.on('close', () => {
        sockets.delete(each);
        socket.destroy();
        broker.destroy();
      });
    }
    socket.pipe(broker).pipe(socket);
  });
  const failed = await new Promise<Error | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(port, LOOPBACK, () => resolve(undefined));
  });
  if (failed) {
    return { says: `not on ${port} as the emulator: ${failed.message}`, close: async () => {} };
  }
  server.on('error', () => {});
  return {
    says: `port ${port} too, as the emulator`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
