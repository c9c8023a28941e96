import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBroker } from '../../src/broker/index.ts';
import type { LocalBroker } from '../../src/local-broker.ts';
import { openLocalBroker } from '../../src/local-broker.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const topology = { queues: [{ name: 'q' }], topics: [] };
let data: string;
const opened: LocalBroker[] = [];

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'quorate-local-'));
});
afterEach(async () => {
  for (const broker of opened.splice(0)) await broker.close();
  await rm(data, { recursive: true, force: true });
});

async function open(port?: number): Promise<LocalBroker> {
  const broker = await openLocalBroker({ data, port, maxPages: undefined, topology, logger: silent });
  opened.push(broker);
  return broker;
}

async function occupy(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

/** A broker that was killed leaves its record behind. */
async function leaveRecord(): Promise<number> {
  const broker = await open(0);
  await copyFile(join(data, 'broker.json'), join(data, 'kept.json'));
  await broker.close();
  await copyFile(join(data, 'kept.json'), join(data, 'broker.json'));
  return broker.port;
}

describe('the local broker', () => {
  it('comes back at the port it had when it was killed', async () => {
    const port = await leaveRecord();
    expect((await open()).port).toBe(port);
  });

  it('takes another port when a stranger has the one it had, unless that one was asked for', async () => {
    const port = await leaveRecord();
    const stranger = await occupy(port);
    try {
      await expect(open(port)).rejects.toMatchObject({ code: 'BROKER_PORT_IN_USE' });
      const second = await open();
      expect(second.owns()).toBe(true);
      expect(second.port).not.toBe((stranger.address() as AddressInfo).port);
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
    }
  });

  it('is joined by whoever comes second, who takes it over at the same port when its owner goes', async () => {
    const owner = await open(0);
    const guest = await open();
    expect([guest.owns(), guest.port]).toEqual([false, owner.port]);
    await owner.close();
    await expect.poll(() => guest.owns(), { timeout: 10_000 }).toBe(true);
  });

  it('tells a broker that another application has started which entities it needs, with TLS too', async () => {
    const owner = await startBroker({ data, port: 0, tls: true });
    try {
      const guest = await open();
      expect(guest.owns()).toBe(false);
      expect(guest.connectionString).toContain('UseDevelopmentEmulator=true');
      expect((await owner.status()).map(({ name }) => name)).toEqual(['q']);
    } finally {
      await owner.stop();
    }
  });

  it('does not join a broker whose entities are of another kind', async () => {
    const other = { queues: [{ name: 'q', requiresSession: true }], topics: [] };
    const owner = await startBroker({ data, port: 0, topology: other });
    try {
      await expect(open()).rejects.toMatchObject({ code: 'TOPOLOGY_MISMATCH' });
    } finally {
      await owner.stop();
    }
  });

  it('may be closed twice', async () => {
    const broker = await open(0);
    await Promise.all([broker.close(), broker.close()]);
    await broker.close();
  });
});
