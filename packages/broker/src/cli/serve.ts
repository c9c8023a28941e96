// The broker by itself as a command, for any Service Bus client, until SIGINT or SIGTERM.
import { readFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openControlSide } from '../control/control-side.ts';
import { EMULATOR_KEYS, topologyOfEmulatorConfig } from '../emulator-config.ts';
import { BrokerError } from '../errors.ts';
import type { Broker } from '../options.ts';
import { startBroker } from '../thread/start.ts';
import type { Topology } from '../topology.ts';
import { dataFolder, EXIT, type ExitCode, formatFailure, printRow, shellWord } from './command.ts';

export interface ServeOptions {
  readonly port?: number;
  readonly data?: string;
  readonly memory?: true;
  readonly tls?: true;
  readonly config?: string;
  readonly allowOrigin?: string[];
  readonly tier: 'standard' | 'premium';
  readonly control?: true;
  readonly virtualTime?: true;
  readonly verbose?: true;
}

/** Until a signal, or until the broker ends by itself. */
export async function runBroker(options: ServeOptions, name: string): Promise<ExitCode> {
  const stopped = untilStopped();
  const topology = options.config === undefined ? undefined : await readTopology(options.config);
  const folder = options.memory ? undefined : dataFolder(options.data);
  const start = (port: number | undefined): Promise<Broker> =>
    startBroker({
      data: folder ?? { memory: true },
      tier: options.tier,
      ...(options.allowOrigin ? { allowOrigins: options.allowOrigin } : {}),
      ...(port === undefined ? {} : { port }),
      ...(options.tls ? { tls: true } : {}),
      ...(options.virtualTime ? { clock: 'virtual' as const } : {}),
      // Connection strings that were written for the emulator keep working.
      ...(topology ? { topology, keys: EMULATOR_KEYS } : {}),
    });
  const stop = (started: Broker): Promise<void> => started.stop();
  const startup = await startUnlessStopped(start(options.port), stop, stopped, options.verbose ?? false);
  if ('code' in startup) return startup.code;
  let { value: broker } = startup;
  const emulatorPort = topology ? await openEmulatorPort(broker.port) : undefined;
  // First and bare: a script reads one line.
  console.log(broker.connectionString);
  if (broker.caFile !== undefined) printRow('trust', `NODE_EXTRA_CA_CERTS=${shellWord(broker.caFile)}`);
  if (options.tls) printRow('plain', 'add UseDevelopmentEmulator=true; for AMQP without TLS');
  printRow('data', folder ?? 'in memory; nothing is kept');
  printRow('entities', String((await broker.status()).length));
  const steered = options.control || options.virtualTime;
  // A broker in memory has no folder. It is steered from the folder that it would have.
  const steeredFrom = folder ?? dataFolder(undefined);
  let control = steered ? await openControlSide(broker, steeredFrom) : undefined;
  const asData = `--data ${shellWord(steeredFrom)}`;
  if (control) printRow('control', `${name} fault <kind> ${asData}`);
  if (options.virtualTime) printRow('time', `stands still; ${name} advance <duration> ${asData}`);
  if (emulatorPort) printRow('http', emulatorPort.says);
  printRow('stop', 'Ctrl+C or SIGTERM');

  let end = await Promise.race([stopped, broker.closed]);
  while ('reason' in end && end.died) {
    // A broker in memory has no data to be started on again.
    if (folder === undefined) break;
    process.stderr.write(`the broker is gone: ${end.reason}. It is started again on the same data\n`);
    await control?.close();
    broker = await start(broker.port);
    if (steered) control = await openControlSide(broker, steeredFrom);
    end = await Promise.race([stopped, broker.closed]);
  }
  await control?.close();
  await emulatorPort?.close();
  await broker.stop();
  if ('reason' in end) {
    const why = `The broker has stopped: ${end.reason}.`;
    throw new BrokerError(end.code ?? 'BROKER_FAILED', why);
  }
  if (end.kind === 'crash') return reportCrash(end.error, options.verbose ?? false);
  console.log('stopped');
  return EXIT.done;
}

async function readTopology(file: string): Promise<Topology> {
  const text = await textOf(file);
  try {
    return topologyOfEmulatorConfig(text);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    throw new BrokerError(error.code, `--config ${file}: ${error.message}`, error.details);
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message;
    throw new BrokerError('BROKER_USAGE', `--config ${file}: ${why}`);
  }
}

// What ends a broker that runs as a command: a signal, or an error that nobody caught. A second signal is not waited for.

type StopCause =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'crash'; readonly error: unknown };

/** Ctrl+C under npm arrives twice, from the terminal and from npm: one press is one signal. */
const ECHO_MS = 500;
/** What has been started meanwhile gets this long to be stopped. */
const UNDO_LIMIT_MS = 3_000;

/** Resolves with the first cause. Once a process, for as long as it lives. */
function untilStopped(): Promise<StopCause> {
  const { promise, resolve } = Promise.withResolvers<StopCause>();
  let stoppedAt: number | undefined;
  const stop = (cause: StopCause): boolean => {
    if (stoppedAt !== undefined) return false;
    stoppedAt = performance.now();
    resolve(cause);
    return true;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop({ kind: 'signal', signal }) || performance.now() - (stoppedAt ?? 0) < ECHO_MS) return;
      process.exit(EXIT.interrupted);
    });
  }
  const onCrash = (error: unknown): void => {
    if (!stop({ kind: 'crash', error })) process.exit(reportCrash(error, true));
  };
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  return promise;
}

/** A start may wait for another process, or hang: a signal ends it however long it takes. */
async function startUnlessStopped<T>(
  starting: Promise<T>,
  stop: (value: T) => Promise<unknown>,
  stopped: Promise<StopCause>,
  verbose: boolean,
): Promise<{ readonly value: T } | { readonly code: ExitCode }> {
  const first = await Promise.race([starting.then((value) => ({ value })), stopped]);
  if ('value' in first) return first;
  console.log(first.kind === 'signal' ? `${first.signal}: stopping before the start is done` : 'stopping');
  const crash = first.kind === 'crash' ? reportCrash(first.error, verbose) : undefined;
  const undone = starting.then(stop).then(
    () => true,
    () => true,
  );
  const whole = await Promise.race([undone, sleep(UNDO_LIMIT_MS, false)]);
  console.log('stopped');
  return { code: crash ?? (whole ? EXIT.done : EXIT.interrupted) };
}

/** An error that nobody expected: printed in full, with its own exit code. */
function reportCrash(error: unknown, verbose: boolean): ExitCode {
  process.stderr.write(`${formatFailure(error, verbose)}\n`);
  return EXIT.internal;
}

// The port on which Microsoft's emulator answers HTTP: samples and health checks that were written for it have it in
// them. What comes there is handed on to the broker's own port, which speaks everything.

const EMULATOR_HTTP_PORT = 5300;
const LOOPBACK = '127.0.0.1';

interface EmulatorPort {
  /** For the broker's greeting. */
  readonly says: string;
  close(): Promise<void>;
}

/** Somebody else may have it: then the broker runs without, and says so. */
export async function openEmulatorPort(to: number, port = EMULATOR_HTTP_PORT): Promise<EmulatorPort> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const broker = connect({ port: to, host: LOOPBACK, noDelay: true });
    for (const each of [socket, broker]) {
      sockets.add(each);
      each.on('error', () => {});
      each.on('close', () => {
        sockets.delete(each);
        socket.destroy();
        broker.destroy();
      });
    }
    socket.pipe(broker).pipe(socket);
  });
  const failed = await new Promise<Error | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(port, LOOPBACK, () => resolve(undefined));
  });
  if (failed) {
    return { says: `not on ${port} as the emulator: ${failed.message}`, close: async () => {} };
  }
  server.on('error', () => {});
  return {
    says: `port ${port} too, as the emulator`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
