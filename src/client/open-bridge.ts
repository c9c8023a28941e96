// The bridge as a client sees it until it is closed. Later calls are refused: they would open a connection that nobody
// closes, and the process would not end.
import { QuorateError } from '../contract/errors.ts';
import type { Bridge, DeferredStore } from '../contract/ports.ts';

interface OpenBridge {
  readonly bridge: Bridge;
  /** From now on all is refused with ABORTED. */
  close(): void;
}

export function whileOpen(bridge: Bridge): OpenBridge {
  let closed = false;
  const open = async <T>(call: () => Promise<T>): Promise<T> => {
    if (closed) throw new QuorateError('ABORTED', 'the client was closed');
    return call();
  };
  const deferredStoreOf = (deferredStore: DeferredStore): DeferredStore => ({
    browse: (options) => open(() => deferredStore.browse(options)),
    take: (number, onMessage) => open(() => deferredStore.take(number, onMessage)),
  });
  return {
    bridge: {
      ...bridge,
      publish: (messages) => open(() => bridge.publish(messages)),
      listSessions: (entity, page) => open(() => bridge.listSessions(entity, page)),
      deferredStore: (entity) => deferredStoreOf(bridge.deferredStore(entity)),
    },
    close: () => {
      closed = true;
    },
  };
}
