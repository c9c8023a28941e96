// Guards links against two faults of the SDK. It reads the address of a link in timers and abort listeners, where nobody can
// catch what that throws. rhea forgets what the broker said of a link when the connection is opened again, so an earlier link
// has no address: the process ended when a broker stopped under load, and the request that waited there never settled. Also
// the close of a link never settles when its connection is lost meanwhile, and its caller holds the client's locks.
import type { ServiceBusClient } from '@azure/service-bus';

/** What is used of rhea-promise's links (3.0.3, lib/link.js). */
interface Link {
  readonly source?: { readonly address?: string } | null;
  readonly connection: { readonly _connection?: unknown };
  close(options?: object): Promise<void>;
}

interface Emitter {
  once(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
}

const CREATE_LINK = ['createSender', 'createAwaitableSender', 'createReceiver'] as const;

type Create<T> = (options?: object) => Promise<T>;
type Session = Record<(typeof CREATE_LINK)[number], Create<unknown>>;
interface Connection {
  createSession: Create<unknown>;
}

interface Insides {
  readonly _connectionContext?: { connection?: unknown };
}

/** Before the client has any link. Where its insides are others than expected it stays as it is. */
export function guardLinks(client: ServiceBusClient): boolean {
  const context = (client as unknown as Insides)._connectionContext;
  if (context === undefined || !isConnection(context.connection)) return false;
  let current: unknown = context.connection;
  guardConnection(context.connection);
  // The SDK puts a new connection in the place of a lost one.
  Object.defineProperty(context, 'connection', {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (next: unknown) => {
      if (isConnection(next)) guardConnection(next);
      current = next;
    },
  });
  return true;
}

function guardConnection(connection: Connection): void {
  const createSession = connection.createSession.bind(connection);
  connection.createSession = async (options) => {
    const session = await createSession(options);
    if (isSession(session)) guardSession(session);
    return session;
  };
}

function guardSession(session: Session): void {
  for (const name of CREATE_LINK) {
    const create = session[name].bind(session);
    session[name] = async (options) => {
      const link = await create(options);
      if (isLink(link)) guardLink(link);
      return link;
    };
  }
}

function guardLink(link: Link): void {
  Object.defineProperty(link, 'address', { configurable: true, get: () => link.source?.address });
  const close = link.close.bind(link);
  link.close = (options) => untilLost(link, close(options));
}

/** A link that could not be closed is gone as well; the SDK closes links in timers, where a rejection ends the process. */
function untilLost(link: Link, closing: Promise<void>): Promise<void> {
  const { _connection: connection } = link.connection;
  return new Promise((resolve) => {
    const done = (): void => {
      if (isEmitter(connection)) connection.removeListener('disconnected', done);
      resolve();
    };
    if (isEmitter(connection)) connection.once('disconnected', done);
    void closing.catch(() => {}).finally(done);
  });
}

function isConnection(value: unknown): value is Connection {
  return hasMethods(value, 'createSession');
}

function isSession(value: unknown): value is Session {
  return hasMethods(value, ...CREATE_LINK);
}

function isLink(value: unknown): value is Link {
  return hasMethods(value, 'close') && 'address' in value && 'connection' in value;
}

function isEmitter(value: unknown): value is Emitter {
  return hasMethods(value, 'once', 'removeListener');
}

export function hasMethods(value: unknown, ...names: string[]): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === 'function')
  );
}
