import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionWatch, OpenSockets, outside } from '../../../../src/bridge/connection/sockets.ts';

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(async () => {
  server.close();
  await once(server, 'close');
});

/** A connection, and whether the delay was turned off on it. */
async function open(): Promise<{ readonly socket: Socket; readonly noDelay: boolean }> {
  const socket = connect(port, '127.0.0.1');
  const setNoDelay = vi.spyOn(socket, 'setNoDelay');
  await once(socket, 'connect');
  return { socket, noDelay: setNoDelay.mock.calls.length > 0 };
}

async function close(socket: Socket): Promise<void> {
  socket.destroy();
  await once(socket, 'close');
}

describe('ConnectionWatch', () => {
  it('turns off the delay of its connections, and tells when one is lost', async () => {
    const watch = new ConnectionWatch(port);
    let lost = 0;
    watch.onLost(() => {
      lost += 1;
    });
    const { socket, noDelay } = await watch.within(async () => {
      await Promise.resolve();
      return open();
    });
    expect(noDelay).toBe(true);
    const pending = watch.run(() => new Promise(() => {}));
    await close(socket);
    expect(await pending).toEqual({ kind: 'cancelled' });
    expect(lost).toBe(1);
    // The next connection's requests are not touched by the loss of this one.
    expect(await watch.run(() => Promise.resolve(1))).toEqual({ kind: 'done', value: 1 });
  });

  it('touches no socket of anybody else', async () => {
    const watch = new ConnectionWatch(port);
    const elsewhere = new ConnectionWatch(port + 1);
    let lost = 0;
    for (const one of [watch, elsewhere]) {
      one.onLost(() => {
        lost += 1;
      });
    }
    const opened = [await open(), await watch.within(() => outside(open)), await elsewhere.within(open)];
    expect(opened.map(({ noDelay }) => noDelay)).toEqual([false, false, false]);
    for (const { socket } of opened) await close(socket);
    expect(lost).toBe(0);
  });

  it('tells that a connection could not be made, and why', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port: closed } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    const watch = new ConnectionWatch(closed);
    const whys: unknown[] = [];
    watch.onLost((why) => void whys.push(why));
    const pending = watch.run(() => new Promise(() => {}));
    const socket = watch.within(() => connect(closed, '127.0.0.1'));
    await once(socket, 'error');
    expect(whys).toMatchObject([{ code: 'ECONNREFUSED' }]);
    expect(await pending).toMatchObject({ kind: 'cancelled', why: { code: 'ECONNREFUSED' } });
    // An error of one that was made is a loss, and said once.
    const made = new ConnectionWatch(port);
    made.onLost((why) => void whys.push(why));
    const other = made.within(() => connect(port, '127.0.0.1'));
    await once(other, 'connect');
    other.on('error', () => {});
    other.destroy(Object.assign(new Error('reset'), { port }));
    await new Promise((resolve) => other.once('close', resolve));
    expect(whys).toHaveLength(2);
    expect(whys[1]).toBeUndefined();
  });

  it('tells when a connection of its clients is open', async () => {
    const sockets = new OpenSockets();
    const watch = new ConnectionWatch(port, sockets);
    const told: string[] = [];
    const waiting = sockets.connected().then(() => told.push('first'));
    await Promise.resolve();
    expect(told).toEqual([]);
    const socket = watch.within(() => connect(port, '127.0.0.1'));
    await waiting;
    await sockets.connected();
    expect(sockets.count).toBe(1);
    await close(socket);
  });

  it('tells nobody who has stopped listening', () => {
    const watch = new ConnectionWatch(port);
    let lost = 0;
    const stop = watch.onLost(() => {
      lost += 1;
    });
    stop();
    watch.lost();
    expect(lost).toBe(0);
  });
});
