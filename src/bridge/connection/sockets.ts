// What the SDK does not tell of its TCP connections, seen through Node's channel of client sockets. It sets no
// TCP_NODELAY: with delayed acknowledgements a session cycle runs at 24-80 a second instead of 620-714. It lets the
// requests of a lost connection wait for their time-out, and does not always recover a client whose connection was
// lost while something was being closed. A socket belongs to the client in whose calls it was made.
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { type EventEmitter, errorMonitor } from 'node:events';
import type { Socket } from 'node:net';
import { AbortScope, type Reply, type RequestSignal } from './abort-scope.ts';

const CLIENT_SOCKETS = 'net.client.socket';
const owner = new AsyncLocalStorage<ConnectionWatch | undefined>();
let subscribed = false;

function onSocket(message: unknown): void {
  const watch = owner.getStore();
  if (watch === undefined) return;
  const { socket } = message as { readonly socket: Socket };
  const emitter: EventEmitter = socket;
  const onError = (error: Error): void => {
    if (portOf(error) === watch.port) watch.lost(undefined, error);
  };
  emitter.once(errorMonitor, onError);
  // Nothing of AMQP is written before it is connected.
  socket.once('connect', () => {
    emitter.off(errorMonitor, onError);
    if (socket.remotePort !== watch.port) return;
    socket.setNoDelay(true);
    watch.opened(socket);
    socket.once('close', () => watch.lost(socket));
  });
}

/** The port of a failed connection attempt: to one address, or to all that the host has. */
function portOf(error: unknown): unknown {
  if (error instanceof AggregateError) return portOf(error.errors[0]);
  return (error as { readonly port?: unknown } | undefined)?.port;
}

/** Code of others that the SDK calls: its sockets are its own. */
export function outside<T>(run: () => T): T {
  return owner.run(undefined, run);
}

/** The sockets of a bridge's clients that are connected, whichever client made them. */
export class OpenSockets {
  readonly #sockets = new Set<Socket>();
  #waiting: (() => void)[] = [];
  #cut = false;

  get count(): number {
    return this.#sockets.size;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#cut) socket.destroy(new Error('The connection was cut.'));
  }

  /** Resolves as soon as there is one. */
  connected(): Promise<void> {
    if (this.#sockets.size > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  remove(socket: Socket): void {
    this.#sockets.delete(socket);
  }

  /** Closes all without a goodbye and lets none be opened, as if the process had died. Resolves when all are closed. */
  async cut(): Promise<void> {
    this.#cut = true;
    const closed = [...this.#sockets].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    );
    // rhea looks at errors, not at the end of a socket.
    for (const socket of this.#sockets) socket.destroy(new Error('The connection was cut.'));
    await Promise.all(closed);
  }
}

type LostListener = (why: Error | undefined) => void;

/** One client's connection. */
export class ConnectionWatch {
  readonly port: number;
  /** Sockets of this client that are connected. */
  readonly #open: OpenSockets;
  #abortScope = new AbortScope();
  readonly #listeners = new Set<LostListener>();

  constructor(port: number, open = new OpenSockets()) {
    this.port = port;
    this.#open = open;
    if (!subscribed) diagnostics.subscribe(CLIENT_SOCKETS, onSocket);
    subscribed = true;
  }

  /** Everything that may open the client's connection has to be started in here. */
  within<T>(start: () => T): T {
    return owner.run(this, start);
  }

  /** Ends as `cancelled` as soon as the connection is lost. */
  run<T>(start: (signal: RequestSignal) => Promise<T>): Promise<Reply<T>> {
    return this.#abortScope.run((signal) => this.within(() => start(signal)));
  }

  /** Gives a function that stops the listening. */
  onLost(listener: LostListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  opened(socket: Socket): void {
    this.#open.add(socket);
  }

  /** `why`: how an attempt to connect failed. The SDK must not repeat it by itself: it may wait for itself then. */
  lost(socket?: Socket, why?: Error): void {
    if (socket !== undefined) this.#open.remove(socket);
    const abortScope = this.#abortScope;
    this.#abortScope = new AbortScope();
    abortScope.seal(why);
    for (const listener of this.#listeners) listener(why);
  }
}
