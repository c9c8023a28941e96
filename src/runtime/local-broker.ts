// The embedded broker as a group of processes sees it: the process that opens the data folder first owns it, the others join, and
// when the owner dies one of them opens the same data at the same port.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker, BrokerOptions, BrokerRecord, Topology } from 'quorate-broker';
import { isAlive, listens } from '../common/neighbours.ts';
import { loadBroker } from '../common/optional-packages.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Logger } from '../contract/ports.ts';
import { codeOfBroker, fromBrokerError } from './broker-faults.ts';

/** How often a guest looks whether the owner still listens: with two misses well inside the 10 s for a takeover. */
const WATCH_MS = 500;
/** Time in which a broker that was just opened writes its record, and a process that ends lets go of its own. */
const JOIN_PATIENCE_MS = 10_000;
/** The least that a broker under load gets for an answer. */
const LEAST_ANSWER_MS = 1_000;

export interface LocalBrokerOptions {
  readonly data: string;
  readonly port: number | undefined;
  readonly maxPages: number | undefined;
  readonly topology: Topology;
  readonly logger: Logger;
  /** Whether the runtime was given a clock: it may be that of a broker on virtual time. */
  readonly hasClock?: boolean;
  /** How long to wait for an owner that does not answer. */
  readonly patienceMs?: number;
  /** For tests: starts a broker. */
  readonly start?: (options: BrokerOptions) => Promise<Broker>;
}

export interface LocalBroker {
  readonly connectionString: string;
  readonly port: number;
  /** Whether this process owns the data at the moment. */
  readonly owns: () => boolean;
  readonly close: () => Promise<void>;
}

export async function openLocalBroker(options: LocalBrokerOptions): Promise<LocalBroker> {
  // Loaded on demand: a production start never loads the broker.
  const { startBroker, readBrokerRecord, declareAtRunning, BrokerError } = await loadBroker();
  const { data, topology, logger, start = startBroker } = options;
  const pages = options.maxPages === undefined ? {} : { maxPages: options.maxPages };

  const open = async (port: number | undefined): Promise<Broker | undefined> => {
    const settings: BrokerOptions = { data, topology, ...pages, ...(port === undefined ? {} : { port }) };
    try {
      return await start(settings);
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'BROKER_DATA_IN_USE') return undefined;
      throw error instanceof BrokerError ? fromBrokerError(error) : error;
    }
  };
  /**
   * Opens the broker at its last port, which others may remember; at another one if a stranger has that and nobody asked
   * for it.
   */
  const openAnywhere = async (): Promise<Broker | undefined> => {
    if (options.port !== undefined) return open(options.port);
    try {
      return await open(readBrokerRecord(data)?.port);
    } catch (error) {
      if (!(error instanceof QuorateError) || error.code !== 'BROKER_PORT_IN_USE') throw error;
      return open(undefined);
    }
  };
  /** Undefined when the owner does not answer: it starts, ends or stands still. */
  const join = async (untilMs: number): Promise<{ port: number; connectionString: string } | undefined> => {
    const record = readBrokerRecord(data);
    if (record === undefined || !(await listens(record.port))) return undefined;
    if (record.time === 'virtual' && options.hasClock !== true) throw standsStill(data);
    try {
      // The owner may be another application, or `quorate broker`, and not know the entities of this one.
      const left = Math.round(untilMs - performance.now());
      await declareAtRunning(record, topology, Math.max(LEAST_ANSWER_MS, left));
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'BROKER_DATA_IN_USE') return undefined;
      throw error instanceof BrokerError ? fromBrokerError(error) : error;
    }
    return record;
  };

  let owned: Broker | undefined;
  let joined: { port: number; connectionString: string } | undefined;
  const deadline = performance.now() + (options.patienceMs ?? JOIN_PATIENCE_MS);
  for (;;) {
    owned = await openAnywhere();
    if (owned !== undefined) break;
    joined = await join(deadline);
    if (joined !== undefined) break;
    if (performance.now() > deadline) throw heldBySilent(data, readBrokerRecord(data));
    await sleep(100);
  }
  const { port, connectionString } = owned ?? (joined as { port: number; connectionString: string });

  const stopping = new AbortController();
  /** Its thread may hang or die, or its disk fail: then it is opened again, here or by a guest. */
  const own = (broker: Broker): void => {
    owned = broker;
    void broker.closed.then(({ reason, code }) => {
      if (stopping.signal.aborted || owned !== broker) return;
      owned = undefined;
      logger.error(`the embedded broker is gone: ${reason}. It is started again on the same data`, {
        port,
        ...(code === undefined ? {} : { code: codeOfBroker(code) }),
      });
    });
  };
  const watch = async (): Promise<void> => {
    let said: string | undefined;
    for (let misses = 0; !stopping.signal.aborted; ) {
      await sleep(WATCH_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted || owned !== undefined) continue;
      misses = (await listens(port)) ? 0 : misses + 1;
      if (misses < 2) continue;
      try {
        const broker = await open(port);
        if (broker === undefined) continue;
        if (stopping.signal.aborted) {
          await broker.stop();
          continue;
        }
        own(broker);
        said = undefined;
        logger.info('the owner of the broker is gone; this process has taken it over', { port });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (why !== said)
          logger.warn(`could not take the broker over: ${why}`, {
            port,
            ...(error instanceof QuorateError ? { code: error.code } : {}),
          });
        said = why;
      }
    }
  };
  if (owned !== undefined) own(owned);
  const watching = watch();
  return {
    connectionString,
    port,
    owns: () => owned !== undefined,
    close: async () => {
      stopping.abort();
      await watching;
      await owned?.stop();
    },
  };
}

/** Deadlines and timers of a host go by a clock: once time was skipped there, each task would be late when it is sent. */
function standsStill(data: string): QuorateError {
  return new QuorateError(
    'BROKER_CLOCK_VIRTUAL',
    `the broker on ${data} runs on virtual time, and this host on the clock of the machine`,
  );
}

/** Its record may be of an owner before it. */
function heldBySilent(data: string, record: BrokerRecord | undefined): QuorateError {
  const known = record !== undefined && isAlive(record.pid);
  const who = known ? `process ${record.pid}` : 'a process';
  const where = known ? ` at port ${record.port}` : '';
  const next = known
    ? `End it (kill ${record.pid}), or let it continue (kill -CONT ${record.pid}), then start again`
    : 'End it, then start again';
  return new QuorateError(
    'BROKER_DATA_IN_USE',
    `${who} holds ${data}, but its broker${where} does not answer: it is ending, or stands still. ${next}.`,
    known ? { data: { pid: record.pid, port: record.port } } : {},
  );
}
