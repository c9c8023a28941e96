// rhea, the SDK's AMQP library, looks through every session of a connection after each thing that happens on one, and gives
// each frame to the socket by itself. With a hundred sessions on a connection that was the largest part of a turn. Here a
// pass looks at the sessions that asked for it, and is one write. rhea asks for a pass wherever it leaves something to do.
import type { ServiceBusClient } from '@azure/service-bus';

interface Session {
  connection: object;
  _process(): void;
}

/** What is used of rhea's connection, beyond its public typings (rhea 3.0.5, lib/connection.js). */
export interface PassingConnection {
  registered: boolean;
  readonly state: { need_open(): boolean; need_close(): boolean; has_settled(): boolean };
  readonly socket?: { cork?(): void; uncork?(): void } | null;
  create_session(bufferSize?: unknown): Session;
  _context(given?: object): object;
  _process(): void;
  _register(): void;
  _write_frame(channel: number, frame: unknown, payload?: Buffer): void;
  _write_open(): void;
  _write_close(): void;
}

interface Insides {
  readonly _connectionContext?: { readonly connection?: { readonly _connection?: unknown } };
}

const METHODS = [
  'create_session',
  '_context',
  '_process',
  '_register',
  '_write_frame',
  '_write_open',
  '_write_close',
] as const;
/** Where an emitter keeps its listeners: a session's view of its connection has them in common with it. */
const EMITTER_FIELDS = ['_events', '_eventsCount', '_maxListeners'];

/**
 * Before the client has any session. Where its insides are others than expected it stays as it is, which is only slower;
 * so does a connection that the SDK puts in the place of a lost one.
 */
export function patchClient(client: ServiceBusClient): boolean {
  const connection = (client as unknown as Insides)._connectionContext?.connection?._connection;
  if (!isPassing(connection)) return false;
  patchConnection(connection);
  return true;
}

function patchConnection(connection: PassingConnection): void {
  const asking = new Set<Session>();
  connection._process = () => {
    connection.registered = false;
    const { socket } = connection;
    socket?.cork?.();
    try {
      pass(connection, asking);
    } finally {
      socket?.uncork?.();
    }
  };
  const createSession = connection.create_session.bind(connection);
  connection.create_session = (bufferSize) => {
    const session = createSession(bufferSize);
    session.connection = viewOf(connection, () => asking.add(session));
    return session;
  };
}

function pass(connection: PassingConnection, asking: Set<Session>): void {
  const { state } = connection;
  do {
    if (state.need_open()) connection._write_open();
    const sessions = [...asking];
    asking.clear();
    for (const session of sessions) session._process();
    if (state.need_close()) connection._write_close();
  } while (!state.has_settled());
}

/**
 * The connection as one session sees it: it is told who asks for a pass. What is written down while it works (heartbeats'
 * timers, listeners) is written down at the connection.
 */
function viewOf(connection: PassingConnection, onAsked: () => void): object {
  const shared = EMITTER_FIELDS.map((field) => [
    field,
    {
      get: (): unknown => Reflect.get(connection, field),
      set: (value: unknown) => Reflect.set(connection, field, value),
    },
  ]);
  return Object.create(connection, {
    ...Object.fromEntries(shared),
    _register: {
      value: () => {
        onAsked();
        connection._register();
      },
    },
    _context: { value: connection._context.bind(connection) },
    _write_frame: { value: connection._write_frame.bind(connection) },
  }) as object;
}

function isPassing(value: unknown): value is PassingConnection {
  if (typeof value !== 'object' || value === null) return false;
  return 'state' in value && METHODS.every((method) => typeof Reflect.get(value, method) === 'function');
}
