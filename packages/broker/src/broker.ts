// Runs a broker in this thread: store, entities, listener, administration. `startBroker` runs the same in a thread of
// its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from './access/authority.ts';
import { type Keys, signersOf } from './access/grant.ts';
import { createAdminHandler } from './admin/handler.ts';
import { SERVICE_IDLE_TIMES } from './amqp/idle.ts';
import { AmqpServer } from './amqp/server.ts';
import { Alarms, type Clock, systemClock } from './clock.ts';
import { type Control, createControl } from './control/create-control.ts';
import { virtualClockOf } from './control/virtual-clock.ts';
import { Core } from './core/core.ts';
import { Housekeeping } from './core/housekeeping.ts';
import { limitsOf, Throttle } from './core/limits.ts';
import { Namespace } from './core/namespace.ts';
import { ALARM, Pulse } from './core/pulse.ts';
import type { StoredMessage } from './core/records.ts';
import { countHandOuts, recover } from './core/recovery.ts';
import {
  DEFAULT_KEY_NAME,
  drawKey,
  keptKey,
  prepareFolder,
  readBrokerRecord,
  removeBrokerRecord,
  unwritable,
  writeBrokerRecord,
} from './data-folder.ts';
import { BrokerError } from './errors.ts';
import type { Broker, BrokerEnd, LocalBrokerOptions } from './options.ts';
import { statusOf } from './status.ts';
import { asBrokerError, asRunningFault, unreadable } from './store/file.ts';
import { HandOuts, readHandOuts } from './store/hand-outs.ts';
import { DATA_FILE, openStore } from './store/sqlite.ts';
import { type Store, StoreFullError } from './store/store.ts';
import { type Certificates, keptCertificates } from './transport/certificates.ts';
import { HttpSide, isLoopback } from './transport/http.ts';
import { Listener } from './transport/listener.ts';

const HANDSHAKE_TIMEOUT_MS = 20_000;
const LOOPBACK = '127.0.0.1';
/** More than any entity's: a topic's 260 characters and a subscription's 50. */
const LONGEST_PATH = 512;

/** Runs a broker in this thread; `startBroker` runs the same in a thread of its own. */
export async function createBroker(options: LocalBrokerOptions): Promise<Broker> {
  const folder = typeof options.data === 'string' ? options.data : undefined;
  const store = claimStore(folder, options.maxPages);
  let close: (end: BrokerEnd) => void = () => {};
  const closed = new Promise<BrokerEnd>((resolve) => {
    close = resolve;
  });

  const virtual = virtualClockOf(options.clock);
  const clock = virtual ?? (options.clock as Clock | undefined) ?? systemClock;
  const alarms = new Alarms(clock);
  // Clients wait in real time, however long messages sleep.
  const clientAlarms = virtual ? new Alarms(systemClock) : alarms;
  const limits = limitsOf(options.tier, options.maxMessageBytes);
  const failed = (error: unknown) => void shutDown(() => endOf(error, folder));
  const pulse = new Pulse(options.pulse);
  const core = new Core(store, alarms, limits, failed, clientAlarms, pulse);
  for (const each of [alarms, clientAlarms]) each.onRing = () => pulse.at(ALARM);
  const certificateFolder = options.tls
    ? (folder ?? mkdtempSync(join(tmpdir(), 'quorate-broker-')))
    : undefined;
  let listener: Listener | undefined;
  let amqp: AmqpServer | undefined;
  let control: Control | undefined;
  let housekeeping: Housekeeping | undefined;
  let stopping: Promise<void> | undefined;

  const shutDown = (end: () => BrokerEnd): Promise<void> => {
    stopping ??= (async () => {
      amqp?.close();
      await listener?.close();
      core.committer.stop();
      endTime();
      core.handOuts?.close();
      store.close();
      if (folder !== undefined) removeBrokerRecord(folder);
      else removeCertificates();
      close(end());
    })();
    return stopping;
  };
  const endTime = () => {
    housekeeping?.stop();
    pulse.stop();
    control?.end();
    alarms.stop();
    clientAlarms.stop();
  };
  const removeCertificates = () => {
    if (folder === undefined && certificateFolder !== undefined)
      rmSync(certificateFolder, { recursive: true, force: true });
  };
  /** Ends as if the process had died here: nothing more is written, said or tidied up. */
  const crash = (why: string, wholeProcess: boolean): void => {
    if (wholeProcess) process.kill(process.pid, 'SIGKILL');
    stopping ??= (async () => {
      core.committer.abandon();
      core.handOuts?.abandon();
      amqp?.cut();
      endTime();
      // A client in the middle of a commit, or one that loses its connection, still reads.
      await listener?.cut();
      store.close();
      removeCertificates();
      close({ reason: why });
    })();
  };

  if (options.throttling) {
    core.throttle = new Throttle(options.throttling.operationsPerSecond, () => clientAlarms.now());
  }
  try {
    const keys: Keys = options.keys ?? {
      [DEFAULT_KEY_NAME]: folder === undefined ? drawKey() : keptKey(folder),
    };
    const namespace = readingBack(folder, () => {
      const found = new Namespace(core);
      if (options.topology) found.declare(options.topology);
      if (folder !== undefined) core.handOuts = countInterrupted(core, found, folder);
      recover(core, found);
      return found;
    });
    if (folder !== undefined) {
      const { committer } = core;
      housekeeping = new Housekeeping({ store, committer, windows: () => namespace.windows() });
      housekeeping.start();
    }
    // Tokens carry real time, whatever clock the broker runs on.
    const authority = new Authority(
      signersOf(keys, (resource) => rulesAbove(namespace, resource)),
      Date.now,
      options.unsignedTokens ?? isLoopback(options.host ?? LOOPBACK),
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
    const { faults } = core;
    const admin = createAdminHandler({ namespace, authority, startedAt: Date.now(), status, faults });
    const http = new HttpSide(
      admin,
      (stream) => server.accept(stream),
      handshakeMs,
      server.holdings,
      options.allowOrigins ?? [],
    );
    const running = createControl({
      core,
      namespace,
      server,
      openRequests: () => http.open,
      clock: virtual,
      crash,
    });
    control = running;
    const certificates =
      certificateFolder === undefined ? undefined : await keptCertificates(certificateFolder);
    listener = new Listener(
      { amqp: (stream) => server.accept(stream), http: (socket) => http.accept(socket) },
      handshakeMs,
      certificates,
      server.turns,
    );
    const port = await listener.listen(options.host ?? LOOPBACK, options.port);
    const connectionString = describeConnection(port, keys, certificates);
    // Others of this machine speak plainly, so that they need not be told to trust the certificate.
    const plainly = describeConnection(port, keys, undefined);
    if (folder !== undefined)
      writeBrokerRecord(folder, {
        pid: process.pid,
        port,
        connectionString: plainly,
        ...(virtual === undefined ? {} : { time: 'virtual' }),
      });
    pulse.start();
    return {
      port,
      connectionString,
      caFile: certificates?.caFile,
      closed,
      now: () => clock.now(),
      advance: (ms, more) => running.advance(ms, more),
      nextDue: () => running.nextDue(),
      faults,
      declare: async (topology) => namespace.declare(topology),
      status: async () => status(),
      counters: async () => ({
        ...core.counters.toRecord(),
        commits: core.committer.commits,
        operations: core.committer.operations,
        connections: amqp?.connections ?? 0,
        endpoints: amqp?.endpoints ?? 0,
      }),
      stop: () => shutDown(() => ({ reason: 'stopped' })),
    };
  } catch (error) {
    // A listener that was left open would keep the thread, the port and the data for ever.
    amqp?.cut();
    await listener?.cut();
    endTime();
    core.committer.abandon();
    core.handOuts?.close();
    store.close();
    removeCertificates();
    throw error;
  }
}

/** Counts what was in somebody's hands when the process before ended, and begins to write down what is from now on. */
function countInterrupted(core: Core, namespace: Namespace, folder: string): HandOuts {
  countHandOuts(core, namespace, readHandOuts(folder));
  try {
    const handOuts = new HandOuts(folder, () => inHand(namespace));
    handOuts.begin();
    return handOuts;
  } catch (error) {
    throw unwritable(join(folder, 'broker.deliveries'), error);
  }
}

function* inHand(namespace: Namespace): Iterable<StoredMessage> {
  for (const { plain } of namespace.sources.values()) {
    for (const { open, message } of plain?.locks ?? []) if (open) yield message;
  }
}

/** Reads entities back. A file may be whole and still hold no description of an entity. */
function readingBack<T>(folder: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (folder === undefined) throw error;
    const file = join(folder, DATA_FILE);
    if (error instanceof StoreFullError)
      throw new BrokerError('BROKER_STORE_FULL', `${error.message}; the broker cannot start.`, { file });
    const known = asBrokerError(error, file);
    throw known instanceof BrokerError ? known : unreadable(file, String(error));
  }
}

/** The end of a broker whose store failed while it ran. */
function endOf(error: unknown, folder: string | undefined): BrokerEnd {
  const fault = folder === undefined ? undefined : asRunningFault(error, join(folder, DATA_FILE));
  if (fault === undefined) return { reason: `the store failed: ${String(error)}` };
  return { reason: `the store failed: ${fault.message.replace(/\.$/, '')}`, code: fault.code };
}

function claimStore(folder: string | undefined, maxPages: number | undefined): Store {
  if (folder !== undefined) prepareFolder(folder);
  try {
    return openStore({ folder, maxPages });
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'BROKER_DATA_IN_USE' || folder === undefined)
      throw error;
    const { pid, port } = readBrokerRecord(folder) ?? {};
    const who = pid === undefined ? '' : ` (process ${pid}, port ${port})`;
    throw new BrokerError(
      'BROKER_DATA_IN_USE',
      `The data folder ${folder} belongs to a running broker${who}.`,
      { folder, pid, port },
    );
  }
}

/** The connection string: with TLS it has the names in the certificate, else what makes clients speak plain AMQP. */
function describeConnection(port: number, keys: Keys, certificates: Certificates | undefined): string {
  const [name, given] = Object.entries(keys)[0] ?? [DEFAULT_KEY_NAME, ''];
  const key = typeof given === 'string' ? given : given.key;
  const [host, plain] = certificates ? ['localhost', ''] : [LOOPBACK, 'UseDevelopmentEmulator=true;'];
  return `Endpoint=sb://${host}:${port}/;SharedAccessKeyName=${name};SharedAccessKey=${key};${plain}`;
}

/** Every link asks, so only the entities are looked at that a resource can lie in: those that its path begins with. */
function* rulesAbove(namespace: Namespace, resource: string) {
  for (let end = 0; end < Math.min(resource.length, LONGEST_PATH); ) {
    const slash = resource.indexOf('/', end + 1);
    end = slash < 0 ? resource.length : slash;
    const path = resource.slice(0, end);
    const rules = namespace.authorizationRules.get(path);
    if (rules) yield { path, rules };
  }
}
