// Messages that lie in a queue for people: browsed without a lock, taken one by one by number once they are deferred.
import type { ServiceBusReceiver } from '@azure/service-bus';
import Long from 'long';
import type { DeferredStore, Disposition } from '../contract/ports.ts';
import { fromReceivedMessage, RECEIVER_OPTIONS } from './codec.ts';
import type { WatchedClient } from './connection/connection.ts';
import { isMessageGone, toQuorateError } from './connection/sdk-errors.ts';
import { outside } from './connection/sockets.ts';
import { settleWith } from './disposition.ts';
import { closeInTime } from './time/waiting.ts';

export function createDeferredStore(
  createClient: () => WatchedClient,
  path: string,
  endpoint: string,
): DeferredStore & { close(): Promise<void> } {
  let opened: (WatchedClient & { readonly receiver: ServiceBusReceiver }) | undefined;
  const open = (): WatchedClient & { readonly receiver: ServiceBusReceiver } => {
    if (opened !== undefined) return opened;
    const { client, watch } = createClient();
    const receiver = client.createReceiver(path, RECEIVER_OPTIONS);
    const mine = { client, watch, receiver };
    // The next request begins with a new client.
    watch.onLost(() => {
      if (opened === mine) opened = undefined;
      void closeInTime(client.close());
    });
    opened = mine;
    return mine;
  };
  const request = async <T>(what: string, run: (receiver: ServiceBusReceiver) => Promise<T>): Promise<T> => {
    const { receiver, watch } = open();
    const reply = await watch.run(() => run(receiver));
    if (reply.kind === 'done') return reply.value;
    const error = reply.kind === 'failed' ? reply.error : (reply.why ?? new Error('the connection was lost'));
    throw isMessageGone(error) ? error : toQuorateError(error, `${what} ${path} at ${endpoint}`);
  };

  return {
    browse: async ({ from, max }) => {
      const messages = await request('browsing', (receiver) =>
        receiver.peekMessages(max, { fromSequenceNumber: Long.fromNumber(from) }),
      );
      return messages.map(fromReceivedMessage);
    },
    take: async (number, onMessage) => {
      try {
        const [raw] = await request('taking from', (receiver) =>
          receiver.receiveDeferredMessages(Long.fromNumber(number)),
        );
        if (raw === undefined) return 'gone';
        const settle = (disposition: Disposition): Promise<void> =>
          request('settling in', (receiver) => settleWith(receiver, raw, disposition));
        try {
          await settle(await outside(() => onMessage(fromReceivedMessage(raw))));
        } catch (error) {
          // Back at once, not when its lock ends.
          await settle({ kind: 'defer' }).catch(() => {});
          throw error;
        }
        return 'taken';
      } catch (error) {
        if (isMessageGone(error)) return 'gone';
        throw error;
      }
    },
    close: async () => {
      const last = opened;
      opened = undefined;
      if (last !== undefined) await closeInTime(last.client.close());
    },
  };
}
