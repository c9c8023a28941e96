// `quorate start`: runs an application until it is told to stop, or until the module of --run is done with --once.
import type { Command } from 'commander';
import { describeSettings } from '../../actors/agents/limit/describe.ts';
import { loadConfig } from '../../config/resolve.ts';
import { QuorateError } from '../../contract/errors.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { formatFailure, reportCrash, toFailure } from '../shared/failure.ts';
import { type Host, printTitle, startHost } from '../shared/host.ts';
import {
  createLifecycle,
  type Lifecycle,
  startUnlessStopped,
  survivesSdkFaults,
} from '../shared/lifecycle.ts';
import { addHostOptions, type HostOptions } from '../shared/options.ts';
import { createTerminal, type Terminal } from '../shared/terminal.ts';
import { loadRun } from './run-module.ts';
import { type FileWatch, machineFiles, watchFiles } from './watch-files.ts';

export const DEFAULT_CONFIG = 'quorate.config.ts';

interface StartOptions extends HostOptions {
  readonly config: string;
  readonly watch?: true;
  readonly run?: string;
  readonly once?: true;
}

export function addStartCommand(program: Command, finish: Finish): void {
  const command = program
    .command('start')
    .description('Run your own application: its machines and agents, until SIGINT or SIGTERM.')
    .argument('[arguments...]', 'for the module of --run: what follows the options of start')
    .option('--config <file>', 'configuration, .ts or .js', DEFAULT_CONFIG)
    .option('--watch', 'replace the workers when a machine file changes; actors stay (default: off)')
    .option('--run <module>', 'call the `run` that it exports, once the application is ready (default: none)')
    .option('--once', 'stop when the module of --run is done, and fail as it fails (default: off)');
  command.on('option:run', () => command.allowUnknownOption().passThroughOptions());
  documented(addHostOptions(command), {
    exits: ['done', 'failed', 'usage', 'internal', 'interrupted'],
    example: 'quorate start --config quorate.config.ts',
  }).action(async (args: string[], options: StartOptions) => finish(await start(options, args)));
}

async function start(options: StartOptions, args: readonly string[]): Promise<ExitCode> {
  checkUsage(options, args);
  let running: Host | undefined;
  const lifecycle = createLifecycle({ survives: survivesSdkFaults(() => running?.logger) });
  const terminal = createTerminal();
  const verbose = options.verbose ?? false;
  printTitle(terminal);
  const config = await loadConfig(options.config);
  const run = options.run === undefined ? undefined : await loadRun(options.run, args);
  // What a job has to say is its own.
  const defaultLevel = options.once ? 'warn' : 'info';
  const starting = startHost({ config, options, terminal, defaultLevel });
  const startup = await startUnlessStopped(starting, (host) => host.stop(), lifecycle, terminal, { verbose });
  if (startup.kind === 'cut short') return startup.code;
  const { value: host } = startup;
  running = host;
  const { runtime } = host;
  terminal.row('machines', runtime.info.machines.map(({ machine }) => machine.type).join(', '));
  const limits = Object.entries(config.limits ?? {});
  if (limits.length > 0)
    terminal.row('limits', limits.map(([name, limit]) => `${name}: ${describeSettings(limit)}`).join('; '));
  const watching = options.watch ? replaceOnChange(host, machineFiles(config)) : undefined;
  const work = run?.({ runtime, args, signal: lifecycle.signal, terminal });
  const program = { host, lifecycle, terminal, verbose };
  if (work !== undefined && !options.once) void sayEnd(work, program);
  const code = await (work !== undefined && options.once ? untilDone(work, program) : untilStopped(program));
  watching?.close();
  return code;
}

function checkUsage({ run, once }: StartOptions, [first]: readonly string[]): void {
  if (run !== undefined) return;
  if (once) throw new QuorateError('USAGE', '--once is for a module: --run <module>');
  if (first !== undefined) throw new QuorateError('USAGE', `'${first}' is for a module: --run <module>`);
}

interface Running {
  readonly host: Host;
  readonly lifecycle: Lifecycle;
  readonly terminal: Terminal;
  readonly verbose: boolean;
}

async function untilStopped({ host, lifecycle, terminal, verbose }: Running): Promise<ExitCode> {
  const cause = await lifecycle.stopped;
  terminal.clear();
  const code = cause.kind === 'signal' ? EXIT.done : reportCrash(cause.error, verbose);
  terminal.line(cause.kind === 'signal' ? `${cause.signal}: draining` : 'draining');
  await host.stop();
  terminal.line('stopped');
  return code;
}

/** Throws what the module throws, once the host has stopped. */
async function untilDone(work: Promise<void>, running: Running): Promise<ExitCode> {
  const { host, lifecycle } = running;
  try {
    await Promise.race([work, lifecycle.stopped]);
    if (!lifecycle.signal.aborted) return EXIT.done;
    const code = await untilStopped(running);
    return code === EXIT.done ? EXIT.interrupted : code;
  } finally {
    await host.stop();
  }
}

/** The application outlives its module, however that ends. */
async function sayEnd(work: Promise<void>, { host, lifecycle, terminal, verbose }: Running): Promise<void> {
  await work.catch((error: unknown) => {
    process.stderr.write(`${formatFailure(toFailure(error), verbose)}\n`);
  });
  if (lifecycle.signal.aborted) return;
  const { inspectorUrl } = host;
  terminal.row(
    'serving',
    `until it is stopped${inspectorUrl === undefined ? '' : `; watch it at ${inspectorUrl}`}`,
  );
}

function replaceOnChange(host: Host, files: readonly string[]): FileWatch {
  const { logger, runtime } = host;
  return watchFiles(files, (names) => {
    const what = names.join(', ');
    runtime.replaceWorkers().then(
      () => logger.info(`${what} changed: the workers are replaced, actors stay`),
      (error: unknown) => logger.error(`${what} changed, but the workers stay: ${String(error)}`),
    );
  });
}
