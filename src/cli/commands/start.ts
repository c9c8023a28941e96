// `quorate start`: an application of one's own, until it is told to stop.
import type { Command } from 'commander';
import { loadConfig } from '../../config/resolve.ts';
import { documented, type Finish } from '../shared/documented.ts';
import type { ExitCode } from '../shared/exit.ts';
import { type Host, printTitle, row, startHost } from '../shared/host.ts';
import { createLifecycle } from '../shared/lifecycle.ts';
import { addHostOptions, type HostOptions } from '../shared/options.ts';
import { survivesSdkFaults } from '../shared/sdk-fault.ts';
import { serveUntilStopped } from '../shared/serve-until-stopped.ts';
import { startUnlessStopped } from '../shared/startup.ts';
import { createTerminal } from '../shared/terminal.ts';
import { type FileWatch, machineFiles, watchFiles } from './watch.ts';

export const DEFAULT_CONFIG = 'quorate.config.ts';

interface StartOptions extends HostOptions {
  readonly config: string;
  readonly watch?: true;
}

export function addStartCommand(program: Command, finish: Finish): void {
  const command = program
    .command('start')
    .description('Run your own application: its machines and agents, until SIGINT or SIGTERM.')
    .option('--config <file>', 'configuration, .ts or .js', DEFAULT_CONFIG)
    .option('--watch', 'replace the workers when a machine file changes; actors stay (default: off)');
  documented(addHostOptions(command), {
    exits: ['done', 'failed', 'usage', 'internal', 'interrupted'],
    example: 'quorate start --config quorate.config.ts',
  }).action(async (options: StartOptions) => finish(await start(options)));
}

async function start(options: StartOptions): Promise<ExitCode> {
  let running: Host | undefined;
  const lifecycle = createLifecycle({ survives: survivesSdkFaults(() => running?.logger) });
  const terminal = createTerminal();
  printTitle(terminal);
  const config = await loadConfig(options.config);
  const starting = startHost({ config, options, terminal, defaultLevel: 'info' });
  const startup = await startUnlessStopped(starting, (host) => host.stop(), lifecycle, terminal, {
    verbose: options.verbose ?? false,
  });
  if (startup.kind === 'cut short') return startup.code;
  const { value: host } = startup;
  running = host;
  row(terminal, 'machines', host.runtime.info.machines.map(({ machine }) => machine.type).join(', '));
  const watching = options.watch ? replaceOnChange(host, machineFiles(config)) : undefined;
  const code = await serveUntilStopped(host, lifecycle, terminal, options.verbose ?? false);
  watching?.close();
  return code;
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
