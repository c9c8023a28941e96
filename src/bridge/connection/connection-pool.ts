// Clients (one AMQP connection each) shared by links, so that no connection carries too many of them. A client whose
// connection is lost, or could not be made, is not used again.
import type { ServiceBusClient } from '@azure/service-bus';
import { closeInTime } from '../time/waiting.ts';
import type { WatchedClient } from './connection.ts';
import type { ConnectionWatch } from './sockets.ts';

/** Far below the service's 4,999 links a connection: one slow or lost connection takes few sessions with it. */
const LINKS_PER_CONNECTION = 100;

export interface PooledClient {
  readonly client: ServiceBusClient;
  readonly watch: ConnectionWatch;
  /** The link is gone: its place is free again. */
  release(): void;
  /** The connection is in trouble: no new links on it. It is closed when its last link is gone. */
  retire(): void;
}

export interface ConnectionPool {
  acquire(): PooledClient;
  close(): Promise<void>;
}

interface Entry extends WatchedClient {
  links: number;
}

export function createConnectionPool(createClient: () => WatchedClient): ConnectionPool {
  const entries = new Set<Entry>();
  const retired = new Set<Entry>();

  const closeClient = async (entry: Entry): Promise<void> => {
    retired.delete(entry);
    await closeInTime(entry.client.close());
  };
  const retire = (entry: Entry): void => {
    if (!entries.delete(entry)) return;
    if (entry.links === 0) void closeClient(entry);
    else retired.add(entry);
  };
  const find = (): Entry => {
    for (const entry of entries) if (entry.links < LINKS_PER_CONNECTION) return entry;
    const entry = { ...createClient(), links: 0 };
    entry.watch.onLost(() => retire(entry));
    entries.add(entry);
    return entry;
  };

  return {
    acquire() {
      const entry = find();
      entry.links += 1;
      let released = false;
      return {
        client: entry.client,
        watch: entry.watch,
        release() {
          if (released) return;
          released = true;
          entry.links -= 1;
          if (entry.links === 0 && retired.has(entry)) void closeClient(entry);
        },
        retire: () => retire(entry),
      };
    },
    async close() {
      const all = [...entries, ...retired];
      entries.clear();
      await Promise.all(all.map(closeClient));
    },
  };
}
