// A console's view of one Service Bus: a client, the index, and who keeps it. It has a connection of its own, so that it is the same in the
// process that hosts the actors and in one beside it.
import { type ConnectOptions, type OpenedClient, openClient } from '../client/connect.ts';
import type { Logger } from '../contract/ports.ts';
import type { IndexRecord } from '../contract/records.ts';
import type { IndexHandle } from './index/calls.ts';
import { type Keeper, keepIndex } from './index/keeper.ts';
import { openIndex } from './index/open.ts';

/** Actors asked a second while the index is healed: on a namespace each is four operations. */
const RATE = { embedded: 500, namespace: 60 } as const;

export interface ViewOptions {
  readonly connect: Omit<ConnectOptions, 'logger'>;
  readonly logger: Logger;
  /** Machine types that are known; those that processes tell of are added. */
  readonly types: readonly string[];
  readonly onTaken?: (records: readonly IndexRecord[]) => void;
}

export interface View extends Pick<OpenedClient, 'client' | 'data' | 'broker' | 'prefix'> {
  readonly index: IndexHandle;
  readonly keeper: Keeper;
  /** Epoch ms by the broker's clock. */
  now(): number;
  close(): Promise<void>;
}

export async function openView({ connect, logger, types, onTaken = () => {} }: ViewOptions): Promise<View> {
  const opened = await openClient({ ...connect, logger });
  const { client, bridge, clock, data, prefix, broker } = opened;
  const index = openIndex({ data, broker, prefix });
  const now = (): number => clock.now();
  const rate = broker === 'embedded' ? RATE.embedded : RATE.namespace;
  const keeper = keepIndex({ index, bridge, logger, now, types, rate, onTaken });
  return {
    client,
    data,
    broker,
    prefix,
    index,
    keeper,
    now,
    close: async () => {
      await keeper.stop();
      await client.close();
    },
  };
}
