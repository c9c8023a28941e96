// The SDK waits a minute and longer for what a cut connection will never answer. Timers that were set by a simulated
// process keep this one alive no longer than it lives itself.
import { AsyncLocalStorage, createHook } from 'node:async_hooks';

const owner = new AsyncLocalStorage<ProcessTimers>();
let watching = false;

interface Timer {
  unref(): unknown;
}

function watch(): void {
  if (watching) return;
  watching = true;
  createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'Timeout') owner.getStore()?.add(resource as Timer);
    },
  }).enable();
}

export class ProcessTimers {
  #set: WeakRef<Timer>[] = [];
  #dead = false;

  /** Whatever the process does is to be started in here. */
  within<T>(start: () => T): T {
    watch();
    return owner.run(this, start);
  }

  add(timer: Timer): void {
    if (this.#dead) queueMicrotask(() => timer.unref());
    else this.#set.push(new WeakRef(timer));
  }

  die(): void {
    this.#dead = true;
    for (const timer of this.#set.splice(0)) timer.deref()?.unref();
  }
}
