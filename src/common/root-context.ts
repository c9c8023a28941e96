// What lives as long as a runtime or a client must not remember the request in which it was made: its timers, sockets and
// pumps would show that request's AsyncLocalStorage (and its active span) to every agent. They are made in the context in
// which this module was loaded, with the package's entry.
import { AsyncResource } from 'node:async_hooks';

const root = new AsyncResource('quorate');

export function outsideRequests<T>(run: () => T): T {
  return root.runInAsyncScope(run);
}
