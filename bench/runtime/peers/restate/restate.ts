// Restate: its server on disk, a service process and a client process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Taken } from '../../load.ts';
import { startProcess } from '../../worker-process.ts';
import { KEYS, type Peer } from '../peer.ts';
import { installRestate } from './install.ts';

export type RestateJobs = {
  ready: () => Promise<null>;
  steps: (count: number, width: number) => Promise<Taken>;
  sagas: (count: number, width: number) => Promise<Taken>;
  scatters: (items: number, count: number, width: number) => Promise<Taken>;
};

const START_MS = 60_000;
const ASK_EVERY_MS = 100;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export const restate: Peer = {
  name: 'restate',
  async start(folder) {
    const installed = await installRestate();
    const [ingress, admin, node, service] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    await using stack = new AsyncDisposableStack();
    stack.use(startServer(installed, join(folder, 'restate'), { ingress, admin, node }));
    const services = stack.use(
      startProcess<{ ready: () => Promise<null> }>(here('./service-entry.js'), [installed, String(service)]),
    );
    await services.ask('ready');
    await register(`http://127.0.0.1:${admin}`, `http://127.0.0.1:${service}`);
    const load = stack.use(
      startProcess<RestateJobs>(here('./load-entry.ts'), [`http://127.0.0.1:${ingress}`, String(KEYS)]),
    );
    const all = stack.move();
    return {
      steps: (count, width) => load.ask('steps', count, width),
      sagas: (count, width) => load.ask('sagas', count, width),
      scatters: (items, count, width) => load.ask('scatters', items, count, width),
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  },
};

function startServer(
  installed: string,
  data: string,
  ports: { readonly ingress: number; readonly admin: number; readonly node: number },
): AsyncDisposable {
  const { PATH, HOME } = process.env;
  const child = spawn(join(installed, 'node_modules/.bin/restate-server'), [], {
    env: {
      PATH,
      HOME,
      RESTATE_BASE_DIR: data,
      RESTATE_NODE_NAME: 'bench',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_BIND_ADDRESS: `127.0.0.1:${ports.node}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ports.ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${ports.admin}`,
      RESTATE_LOG_FILTER: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
    // The command is a script that starts the server: both are to end.
    detached: true,
  });
  const ended = once(child, 'close');
  return {
    [Symbol.asyncDispose]: async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}

/** Asks until the server is there and knows the services. */
async function register(admin: string, uri: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const response = await fetch(`${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri }),
    }).catch(() => undefined);
    if (response?.ok) return;
    if (Date.now() > deadline)
      throw new Error(`Restate does not take its services: ${(await response?.text()) ?? 'no answer'}`);
    await sleep(ASK_EVERY_MS);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
