import { describe, expect, it } from 'vitest';
import { createConnectionPool } from '../../../../src/bridge/connection/connection-pool.ts';
import { ConnectionWatch } from '../../../../src/bridge/connection/sockets.ts';

describe('createConnectionPool', () => {
  function pool() {
    const watches: ConnectionWatch[] = [];
    const closed: number[] = [];
    const made = createConnectionPool(() => {
      const number = watches.length;
      const watch = new ConnectionWatch(1);
      watches.push(watch);
      const client = {
        close: () => {
          closed.push(number);
          return Promise.resolve();
        },
      };
      return { client, watch } as never;
    });
    return { made, watches, closed };
  }

  it('puts at most a hundred links on a connection', () => {
    const { made, watches } = pool();
    const links = Array.from({ length: 250 }, () => made.acquire());
    expect(watches).toHaveLength(3);
    links[0]?.release();
    links[0]?.release();
    expect(made.acquire().client).toBe(links[0]?.client);
    expect(made.acquire().client).not.toBe(links[0]?.client);
  });

  it('uses no client again whose connection is lost, and closes it when its last link is gone', () => {
    const { made, watches, closed } = pool();
    const [first, second] = [made.acquire(), made.acquire()];
    watches[0]?.lost();
    expect(made.acquire().client).not.toBe(first.client);
    first.release();
    expect(closed).toEqual([]);
    second.release();
    expect(closed).toEqual([0]);
  });

  it('closes everything, also what was retired', async () => {
    const { made, closed } = pool();
    made.acquire().retire();
    made.acquire();
    await made.close();
    expect(closed.toSorted((a, b) => a - b)).toEqual([0, 1]);
  });
});
