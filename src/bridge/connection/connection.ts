// Where the service is and how clients of it are made: the only place that constructs one.
import { ServiceBusAdministrationClient, ServiceBusClient } from '@azure/service-bus';
import { QuorateError } from '../../contract/errors.ts';
import { guardLinks } from './link-guard.ts';
import { patchClient } from './rhea-patch.ts';
import { ConnectionWatch, OpenSockets } from './sockets.ts';
import { putTokensOnce } from './token-cache.ts';

export type ConnectionOptions =
  | { readonly kind: 'connectionString'; readonly connectionString: string }
  /** `<name>.servicebus.windows.net`, with DefaultAzureCredential. */
  | { readonly kind: 'namespace'; readonly namespace: string };

/** What a client is for decides how the SDK may repeat its requests. */
export type ClientRole =
  /** I1: never. The SDK would replay a state write after the lock is gone. */
  | 'committing'
  /** Never: the publisher repeats by itself, within the duplicate window (I2). */
  | 'sending'
  /** Gets its links back within two seconds of a broker's restart. */
  | 'taking';

/** Also how long one accept waits for a session that has a message: the SDK has one time-out for both. */
export const REQUEST_TIMEOUT_MS = 30_000;

const RETRIES = {
  committing: { maxRetries: 0 },
  sending: { maxRetries: 0 },
  taking: { maxRetries: 3, retryDelayInMs: 250 },
} as const satisfies Record<ClientRole, object>;

/** A client and the means to see that its connection is lost. */
export interface WatchedClient {
  readonly client: ServiceBusClient;
  readonly watch: ConnectionWatch;
}

export interface Connector {
  readonly host: string;
  readonly port: number;
  readonly isEmulator: boolean;
  createClient(role: ClientRole): WatchedClient;
  createAdministrationClient(): ServiceBusAdministrationClient;
  /** Connected sockets of all these clients. */
  readonly open: OpenSockets;
}

const TLS_PORT = 5671;
const PLAIN_PORT = 5672;
const ENDPOINT = /(?:^|;)\s*Endpoint\s*=\s*sb:\/\/([^/:;]+)(?::(\d+))?/i;
const EMULATOR = /(?:^|;)\s*UseDevelopmentEmulator\s*=\s*true\s*(?:;|$)/;

export async function createConnector(connection: ConnectionOptions): Promise<Connector> {
  if (connection.kind === 'connectionString') return fromConnectionString(connection.connectionString);
  const { namespace } = connection;
  // Loaded only here: it is large, and neither the embedded broker nor a key needs it.
  const { DefaultAzureCredential } = await import('@azure/identity');
  const credential = new DefaultAzureCredential();
  const open = new OpenSockets();
  return {
    open,
    host: namespace,
    port: TLS_PORT,
    isEmulator: false,
    createClient: ofBridge(open, (role) => ({
      client: new ServiceBusClient(namespace, credential, { retryOptions: toRetryOptions(role) }),
      watch: new ConnectionWatch(TLS_PORT, open),
    })),
    createAdministrationClient: () => new ServiceBusAdministrationClient(namespace, credential),
  };
}

function fromConnectionString(connectionString: string): Connector {
  const match = ENDPOINT.exec(connectionString);
  if (match?.[1] === undefined) {
    throw new QuorateError('CONFIG_INVALID', 'The connection string has no "Endpoint=sb://<host>/".');
  }
  const isEmulator = EMULATOR.test(connectionString);
  const port = Number(match[2] ?? (isEmulator ? PLAIN_PORT : TLS_PORT));
  const open = new OpenSockets();
  return {
    open,
    host: match[1],
    port,
    isEmulator,
    createClient: ofBridge(open, (role) => ({
      client: newClient(connectionString, role),
      watch: new ConnectionWatch(port, open),
    })),
    createAdministrationClient: () => {
      const admin = new ServiceBusAdministrationClient(connectionString);
      return isEmulator ? plainly(admin) : admin;
    },
  };
}

/** An emulator has no certificate, and this version of the SDK knows https only. */
function plainly(admin: ServiceBusAdministrationClient): ServiceBusAdministrationClient {
  const send = admin.sendRequest.bind(admin);
  admin.sendRequest = (request) => {
    request.url = request.url.replace(/^https:/, 'http:');
    request.allowInsecureConnection = true;
    return send(request);
  };
  return admin;
}

function ofBridge(open: OpenSockets, create: Connector['createClient']): Connector['createClient'] {
  return (role) => {
    if (open.isCut) throw new QuorateError('CONNECTION_FAILED', 'The connections of this bridge were cut.');
    const made = create(role);
    guardLinks(made.client);
    patchClient(made.client);
    putTokensOnce(made.client);
    return made;
  };
}

function newClient(connectionString: string, role: ClientRole): ServiceBusClient {
  try {
    return new ServiceBusClient(connectionString, { retryOptions: toRetryOptions(role) });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new QuorateError('CONFIG_INVALID', `The connection string is not usable: ${why}`, {
      cause: thrown,
    });
  }
}

/** A new object each time: the SDK writes its defaults into it. */
function toRetryOptions(role: ClientRole): { timeoutInMs: number; maxRetries: number } {
  return { timeoutInMs: REQUEST_TIMEOUT_MS, ...RETRIES[role] };
}
