// The sender links of this process, one an entity, on one connection; a new one whenever that is lost.
import type { ServiceBusSender } from '@azure/service-bus';
import type { WatchedClient } from '../connection/connection.ts';
import type { ConnectionWatch } from '../connection/sockets.ts';
import { atMost } from '../time/waiting.ts';

const CLOSE_LIMIT_MS = 2_000;

export interface SenderLink {
  readonly sender: ServiceBusSender;
  readonly watch: ConnectionWatch;
}

export interface Senders {
  get(path: string): SenderLink;
  /** The connection seems beyond repair: later sends get a new one. */
  renew(): void;
  close(): Promise<void>;
}

export function createSenders(createClient: () => WatchedClient): Senders {
  let current: WatchedClient | undefined;
  const links = new Map<string, SenderLink>();

  const drop = async (): Promise<void> => {
    const old = current;
    current = undefined;
    links.clear();
    if (old !== undefined) await atMost(CLOSE_LIMIT_MS, old.client.close());
  };
  const connect = (): WatchedClient => {
    const created = createClient();
    created.watch.onLost(() => {
      if (current === created) void drop();
    });
    return created;
  };

  return {
    get(path) {
      let link = links.get(path);
      if (link === undefined) {
        current ??= connect();
        link = { sender: current.client.createSender(path), watch: current.watch };
        links.set(path, link);
      }
      return link;
    },
    renew: () => void drop(),
    close: drop,
  };
}
