import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from './access/authority.ts';
import { type Keys, signersOf } from './access/keys.ts';
import { createAdminHandler } from './admin/handler.ts';
import { SERVICE_IDLE_TIMES } from './amqp/idle.ts';
import { AmqpServer } from './amqp/server.ts';
import { Alarms, systemClock } from './clock.ts';
import { Core } from './core/core.ts';
import { limitsOf } from './core/limits.ts';
import { Namespace } from './core/namespace.ts';
import { recover } from './core/recovery.ts';
import { statusOf } from './core/status.ts';
import { Throttle } from './core/throttle.ts';
import {
  DEFAULT_KEY_NAME,
  drawKey,
  keptKey,
  prepareFolder,
  readBrokerRecord,
  removeBrokerRecord,
  writeBrokerRecord,
} from './data-folder.ts';
import { BrokerError } from './errors.ts';
import type { Broker, LocalBrokerOptions } from './options.ts';
import { openStore } from './store/sqlite.ts';
import type { Store } from './store/store.ts';
import { type Certificates, keptCertificates } from './transport/certificates.ts';
import { HttpSide } from './transport/http.ts';
import { Listener } from './transport/listener.ts';

const HANDSHAKE_TIMEOUT_MS = 20_000;
const LOOPBACK = '127.0.0.1';

/** Runs a broker in this thread; `startBroker` runs the same in a thread of its own. */
export async function createBroker(options: LocalBrokerOptions): Promise<Broker> {
  const folder = typeof options.data === 'string' ? options.data : undefined;
  const store = claimStore(folder, options.maxPages);
  let close: (reason: string) => void = () => {};
  const closed = new Promise<{ reason: string }>((resolve) => {
    close = (reason) => resolve({ reason });
  });

  const alarms = new Alarms(options.clock ?? systemClock);
  const core = new Core(store, alarms, limitsOf(options.tier, options.maxMessageBytes), (error) => {
    void shutDown(`the store failed: ${String(error)}`);
  });
  const keys: Keys = options.keys ?? {
    [DEFAULT_KEY_NAME]: folder === undefined ? drawKey() : keptKey(folder),
  };
  const certificateFolder = options.tls
    ? (folder ?? mkdtempSync(join(tmpdir(), 'quorate-broker-')))
    : undefined;
  let listener: Listener | undefined;
  let amqp: AmqpServer | undefined;
  let stopping: Promise<void> | undefined;

  const shutDown = (reason: string): Promise<void> => {
    stopping ??= (async () => {
      amqp?.close();
      await listener?.close();
      core.committer.stop();
      alarms.stop();
      store.close();
      if (folder !== undefined) removeBrokerRecord(folder);
      else if (certificateFolder !== undefined) rmSync(certificateFolder, { recursive: true, force: true });
      close(reason);
    })();
    return stopping;
  };

  if (options.throttling) {
    core.throttle = new Throttle(options.throttling.operationsPerSecond, () => alarms.now());
  }
  try {
    const namespace = new Namespace(core);
    if (options.topology) namespace.declare(options.topology);
    recover(core, namespace);
    // Tokens carry real time, whatever clock the broker runs on.
    const authority = new Authority(
      signersOf(keys, () => rulesOf(namespace)),
      Date.now,
    );
    const handshakeMs = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
    const server = new AmqpServer(
      core,
      namespace,
      authority,
      { ...SERVICE_IDLE_TIMES, ...options.idle },
      handshakeMs,
    );
    amqp = server;
    const status = () => statusOf(core, namespace);
    const admin = createAdminHandler({ namespace, authority, startedAt: Date.now(), status });
    const http = new HttpSide(admin, (stream) => server.accept(stream), handshakeMs);
    const certificates =
      certificateFolder === undefined ? undefined : await keptCertificates(certificateFolder);
    listener = new Listener(
      { amqp: (stream) => server.accept(stream), http: (socket) => http.accept(socket) },
      handshakeMs,
      certificates,
    );
    const port = await listener.listen(options.host ?? LOOPBACK, options.port);
    const connectionString = describeConnection(port, keys, certificates);
    // Others of this machine speak plainly, so that they need not be told to trust the certificate.
    const plainly = describeConnection(port, keys, undefined);
    if (folder !== undefined)
      writeBrokerRecord(folder, { pid: process.pid, port, connectionString: plainly });
    return {
      port,
      connectionString,
      caFile: certificates?.caFile,
      closed,
      declare: async (topology) => namespace.declare(topology),
      status: async () => status(),
      counters: async () => ({
        ...core.counters.toRecord(),
        commits: core.committer.commits,
        operations: core.committer.operations,
      }),
      stop: () => shutDown('stopped'),
    };
  } catch (error) {
    alarms.stop();
    store.close();
    if (folder === undefined && certificateFolder !== undefined)
      rmSync(certificateFolder, { recursive: true });
    throw error;
  }
}

function claimStore(folder: string | undefined, maxPages: number | undefined): Store {
  if (folder !== undefined) prepareFolder(folder);
  try {
    return openStore({ folder, maxPages });
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'BROKER_DATA_IN_USE' || folder === undefined)
      throw error;
    const owner = readBrokerRecord(folder);
    throw new BrokerError('BROKER_DATA_IN_USE', `The data folder ${folder} belongs to a running broker.`, {
      folder,
      pid: owner?.pid,
      port: owner?.port,
    });
  }
}

/** With TLS the names that the certificate is for, else what makes clients speak plainly. */
function describeConnection(port: number, keys: Keys, certificates: Certificates | undefined): string {
  const [name, given] = Object.entries(keys)[0] ?? [DEFAULT_KEY_NAME, ''];
  const key = typeof given === 'string' ? given : given.key;
  const [host, plain] = certificates ? ['localhost', ''] : [LOOPBACK, 'UseDevelopmentEmulator=true;'];
  return `Endpoint=sb://${host}:${port};SharedAccessKeyName=${name};SharedAccessKey=${key};${plain}`;
}

function* rulesOf(namespace: Namespace) {
  for (const { path, description } of namespace.entities()) {
    if (description.authorizationRules) yield { path, rules: description.authorizationRules };
  }
}
