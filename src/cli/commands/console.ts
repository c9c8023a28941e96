// `quorate console`: the console by itself, over the Service Bus of a configuration; no actor and no agent runs in it.
import type { Command } from 'commander';
import { loadConfig, resolveConfig } from '../../config/resolve.ts';
import type { Console } from '../../console/console.ts';
import { createLogger, logLevel } from '../../observability/log.ts';
import { consoleOptions } from '../shared/console-options.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { printTitle } from '../shared/host.ts';
import { createLifecycle, startUnlessStopped } from '../shared/lifecycle.ts';
import { dataOption, type HostOptions, toPort, verboseOption, withFlags } from '../shared/options.ts';
import { createTerminal } from '../shared/terminal.ts';
import { DEFAULT_CONFIG } from './start.ts';

interface Options extends Pick<HostOptions, 'data' | 'verbose'> {
  readonly config: string;
  readonly port?: number;
  readonly healthPort?: number;
}

export function addConsoleCommand(program: Command, finish: Finish): void {
  const command = program
    .command('console')
    .description(
      'Serve the console of your application: all actors of all processes, until SIGINT or SIGTERM.',
    )
    .option('--config <file>', 'configuration, .ts or .js', DEFAULT_CONFIG)
    .option(
      '--port <number>',
      'port of the console (default: $QUORATE_CONSOLE_PORT, else a free one)',
      toPort,
    )
    .option('--health-port <number>', 'port of /healthz and /metrics (default: none)', toPort)
    .addOption(dataOption())
    .addOption(verboseOption());
  documented(command, {
    exits: ['done', 'failed', 'usage', 'internal'],
    example: 'quorate console --config quorate.config.ts --port 8080',
  }).action(async (options: Options) => finish(await serve(options)));
}

async function serve({ config: file, port, healthPort, verbose, data }: Options): Promise<ExitCode> {
  const lifecycle = createLifecycle();
  const terminal = createTerminal();
  printTitle(terminal);
  const env = withFlags(process.env, data === undefined ? {} : { data });
  const config = resolveConfig(await loadConfig(file), env);
  const logger = await createLogger({
    level: verbose === true ? 'debug' : logLevel(env['QUORATE_LOG'], 'info'),
    color: terminal.interactive && (env['NO_COLOR'] ?? '') === '',
    stream: { write: (line) => void process.stderr.write(line) },
  });
  const { startConsole } = await import('../../console/console.ts');
  const chosen = port ?? (config.consolePort === false ? 0 : config.consolePort);
  const types = Object.keys(config.machines);
  const starting = startConsole({
    ...consoleOptions({ ...config, consolePort: chosen }, env),
    types,
    logger,
  });
  const startup = await startUnlessStopped(starting, (one) => one.close(), lifecycle, terminal, {
    verbose: verbose === true,
  });
  if (startup.kind === 'cut short') return startup.code;
  const probes =
    healthPort === undefined
      ? undefined
      : await serveMetrics(startup.value, { port: healthPort, host: config.healthHost });
  if (probes !== undefined) terminal.row('metrics', `${probes.url}/metrics`);
  terminal.row('console', startup.value.address);
  terminal.row('stop', 'Ctrl+C or SIGTERM');
  await lifecycle.stopped;
  await probes?.close();
  await startup.value.close();
  return EXIT.done;
}

/** Not the `healthPort` of the configuration: a process beside this one may have it. */
async function serveMetrics(console: Console, place: { readonly port: number; readonly host: string }) {
  const { createHealthServer } = await import('../../observability/health.ts');
  const options = {
    ...place,
    health: () => ({ ready: true }),
    metrics: () => console.metrics.text(),
    scale: async () => undefined,
  };
  return createHealthServer(options).catch(async (error: unknown) => {
    await console.close();
    throw error;
  });
}
