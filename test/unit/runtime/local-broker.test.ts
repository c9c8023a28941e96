import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, createBroker, declareAtRunning, readBrokerRecord, startBroker } from 'quorate-broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocalBroker } from '../../../src/runtime/local-broker.ts';
import { openLocalBroker } from '../../../src/runtime/local-broker.ts';

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

async function open(port?: number, patienceMs = 10_000): Promise<LocalBroker> {
  const broker = await openLocalBroker({
    data,
    port,
    maxPages: undefined,
    topology,
    logger: silent,
    patienceMs,
  });
  opened.push(broker);
  return broker;
}

const occupy = (port: number): Promise<Server> => serve(port, (socket) => socket.destroy());

async function serve(port: number, onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
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
  it('on virtual time refuses a host that reads another clock, at once', async () => {
    const broker = await createBroker({ data, port: 0, topology, clock: 'virtual' });
    try {
      await expect(open()).rejects.toMatchObject({ code: 'BROKER_CLOCK_VIRTUAL' });
      const options = { data, port: undefined, maxPages: undefined, topology, logger: silent };
      const joined = await openLocalBroker({ ...options, hasClock: true });
      opened.push(joined);
      expect(joined.port).toBe(broker.port);
    } finally {
      await broker.stop();
    }
  });

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
    await expect.poll(() => guest.owns()).toBe(true);
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

  it('starts again on the same data when its broker ends by itself, and says why', async () => {
    const said: string[] = [];
    const brokers: Broker[] = [];
    const broker = await openLocalBroker({
      start: async (options) => {
        const started = await startBroker(options);
        brokers.push(started);
        return started;
      },
      data,
      port: 0,
      maxPages: undefined,
      topology,
      logger: { ...silent, error: (line) => void said.push(line) },
    });
    opened.push(broker);
    const record = readBrokerRecord(data);
    if (record === undefined) throw new Error('there is no record');
    await brokers.at(-1)?.stop();
    const more = { queues: [{ name: 'more' }], topics: [] };
    await expect
      .poll(
        () =>
          declareAtRunning(record, more).then(
            () => true,
            () => false,
          ),
        { timeout: 60_000 },
      )
      .toBe(true);
    expect(broker.owns()).toBe(true);
    expect(said).toEqual([
      expect.stringMatching(/^the embedded broker is gone: .+ started again on the same data$/),
    ]);
  }, 90_000);

  it('does not join a broker whose entities are of another kind', async () => {
    const other = { queues: [{ name: 'q', requiresSession: true }], topics: [] };
    const owner = await startBroker({ data, port: 0, topology: other });
    try {
      await expect(open()).rejects.toMatchObject({ code: 'TOPOLOGY_MISMATCH' });
    } finally {
      await owner.stop();
    }
  });

  describe('with an owner that does not answer', () => {
    const PATIENCE_MS = 300;
    let owner: Awaited<ReturnType<typeof createBroker>>;
    let server: Server | undefined;
    const sockets = new Set<Socket>();
    beforeEach(async () => {
      owner = await createBroker({ data, port: 0 });
    });
    afterEach(async () => {
      await owner.stop();
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
      server = undefined;
    });

    /** In the record of the folder stands another port, and perhaps another process. */
    async function sayInstead(onSocket: (socket: Socket) => void, pid = process.pid): Promise<number> {
      server = await serve(0, (socket) => {
        sockets.add(socket);
        onSocket(socket);
      });
      const { port } = server.address() as AddressInfo;
      const record = JSON.parse(await readFile(join(data, 'broker.json'), 'utf8')) as object;
      await writeFile(join(data, 'broker.json'), JSON.stringify({ ...record, pid, port }));
      return port;
    }

    it.each([
      ['stands still', (socket: Socket) => socket.pause()],
      ['is dying', (socket: Socket) => socket.resetAndDestroy()],
    ])('one that %s is named, with what to do', async (_, onSocket) => {
      const port = await sayInstead(onSocket);
      const refused = await open(undefined, PATIENCE_MS).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'BROKER_DATA_IN_USE', data: { pid: process.pid, port } });
      expect(String(refused)).toMatch(`process ${process.pid} holds ${data}`);
      expect(String(refused)).toMatch(`kill -CONT ${process.pid}`);
    });

    it('no process is named when the record is of one that is gone', async () => {
      const { pid } = spawnSync(process.execPath, ['--version']);
      await sayInstead((socket) => socket.resetAndDestroy(), pid);
      const refused = await open(undefined, PATIENCE_MS).catch((error: unknown) => error);
      expect(String(refused)).toContain(`a process holds ${data}`);
      expect(String(refused)).not.toContain(String(pid));
    });

    it('one that answers in time is joined', async () => {
      await sayInstead((socket) => {
        socket.pipe(connect(owner.port, '127.0.0.1')).pipe(socket);
        if (sockets.size < 3) socket.resetAndDestroy();
      });
      expect((await open(undefined, 60_000)).owns()).toBe(false);
    });
  });

  it('may be closed twice', async () => {
    const broker = await open(0);
    await Promise.all([broker.close(), broker.close()]);
    await broker.close();
  });
});
