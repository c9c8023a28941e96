// The client process of the broker's bench: the SDK as an application uses it, doing one work after the other as it is told.
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { ServiceBusClient } from '@azure/service-bus';
import type { Ask, Tell } from './client-process.ts';
import type { Server } from './work.ts';
import { WORKS } from './works.ts';

// The SDK leaves Nagle's algorithm on; with delayed acknowledgements that is 40 ms for every small frame that follows another.
subscribe('net.client.socket', (message) => (message as { socket: Socket }).socket.setNoDelay(true));

const servers = new Map<string, Server>();
const tell = (message: Tell): void => void process.send?.(message);

process.on('message', ({ id, work, connectionString, count }: Ask) => {
  WORKS[work](serverAt(connectionString), count, (done) => tell({ kind: 'progress', id, done })).then(
    (seconds) => tell({ kind: 'done', id, seconds }),
    (error: unknown) => tell({ kind: 'failed', id, why: String(error) }),
  );
});

// Nobody is left to ask.
process.on('disconnect', () => process.exit());

function serverAt(connectionString: string): Server {
  const known = servers.get(connectionString) ?? {
    client: new ServiceBusClient(connectionString),
    connectionString,
  };
  servers.set(connectionString, known);
  return known;
}
