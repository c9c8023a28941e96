// `quorate broker`: the embedded broker by itself, for any Service Bus client, until SIGINT or SIGTERM.
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { Broker, Topology } from '../broker/index.ts';
import { QuorateError } from '../contract/errors.ts';
import { codeOfBroker, isBrokerError } from '../runtime/broker-faults.ts';
import { addBrokerAdvanceCommand } from './broker-advance.ts';
import { addBrokerFaultCommand } from './broker-fault.ts';
import { addBrokerStatusCommand } from './broker-status.ts';
import { dataFolder } from './data-folder.ts';
import { documented, type Finish } from './documented.ts';
import { openEmulatorPort } from './emulator-port.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { reportCrash } from './failure.ts';
import { row } from './host.ts';
import { createLifecycle } from './lifecycle.ts';
import { dataOption, portOption, verboseOption } from './options.ts';
import { shellWord } from './shell-word.ts';
import { startUnlessStopped } from './startup.ts';
import { createTerminal } from './terminal.ts';

interface BrokerCommandOptions {
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

export function addBrokerCommand(program: Command, finish: Finish): void {
  const command = program
    .command('broker')
    .description(
      'Run the Service Bus broker by itself, for clients in any language, until SIGINT or SIGTERM.',
    )
    .addOption(portOption())
    .addOption(dataOption())
    .addOption(new Option('--memory', 'keep nothing on disk (default: off)').conflicts('data'))
    .option('--tls', "TLS with the broker's own certificate authority, beside plain AMQP (default: off)")
    .option(
      '--config <file>',
      "entities in the format of Microsoft's emulator, whose port 5300 answers too (default: none)",
    )
    .addOption(
      new Option('--tier <tier>', 'whose limits hold').choices(['standard', 'premium']).default('standard'),
    )
    .option(
      '--allow-origin <origins...>',
      'web pages that may speak to it, such as https://app.example (default: none)',
    )
    .option('--control', 'let `quorate broker fault` and `advance` steer it, from this folder (default: off)')
    .option(
      '--virtual-time',
      'time stands still until `quorate broker advance`; with --control (default: off)',
    )
    .addOption(verboseOption());
  documented(command, {
    exits: ['done', 'failed', 'usage', 'internal', 'interrupted'],
    example: 'quorate broker --tls --memory',
  }).action(async (options: BrokerCommandOptions) => finish(await runBroker(options)));
  // `quorate broker --data dir status` means that folder too.
  command.hook('preAction', (_, acting) => {
    const { data }: BrokerCommandOptions = command.opts();
    const own: BrokerCommandOptions = acting.opts();
    if (data !== undefined && own.data === undefined) acting.setOptionValue('data', data);
  });
  addBrokerStatusCommand(command, finish);
  addBrokerAdvanceCommand(command, finish);
  addBrokerFaultCommand(command, finish);
}

async function runBroker(options: BrokerCommandOptions): Promise<ExitCode> {
  const lifecycle = createLifecycle();
  const terminal = createTerminal();
  const { EMULATOR_KEYS, openControlSide, startBroker, topologyOfEmulatorConfig } = await import(
    '../broker/index.ts'
  );
  const topology =
    options.config === undefined ? undefined : await readTopology(options.config, topologyOfEmulatorConfig);
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
  const startup = await startUnlessStopped(start(options.port), stop, lifecycle, terminal, {
    verbose: options.verbose ?? false,
  });
  if (startup.kind === 'cut short') return startup.code;
  let { value: broker } = startup;
  const emulatorPort = topology ? await openEmulatorPort(broker.port) : undefined;
  // First and bare: a script reads one line.
  terminal.line(broker.connectionString);
  if (broker.caFile !== undefined) row(terminal, 'trust', `NODE_EXTRA_CA_CERTS=${shellWord(broker.caFile)}`);
  if (options.tls) row(terminal, 'plain', 'add UseDevelopmentEmulator=true; for AMQP without TLS');
  row(terminal, 'data', folder ?? 'in memory; nothing is kept');
  row(terminal, 'entities', String((await broker.status()).length));
  const steered = options.control || options.virtualTime;
  // A broker in memory has no folder of its own, and is steered from where it would be.
  const steeredFrom = folder ?? dataFolder(undefined);
  let control = steered ? await openControlSide(broker, steeredFrom) : undefined;
  const asData = `--data ${shellWord(steeredFrom)}`;
  if (control) row(terminal, 'control', `quorate broker fault <kind> ${asData}`);
  if (options.virtualTime) row(terminal, 'time', `stands still; quorate broker advance <duration> ${asData}`);
  if (emulatorPort) row(terminal, 'http', emulatorPort.says);
  row(terminal, 'stop', 'Ctrl+C or SIGTERM');

  let end = await Promise.race([lifecycle.stopped, broker.closed]);
  while ('reason' in end && end.died) {
    // One in memory has nothing to be started on again.
    if (folder === undefined) break;
    process.stderr.write(`the broker is gone: ${end.reason}. It is started again on the same data\n`);
    await control?.close();
    broker = await start(broker.port);
    if (steered) control = await openControlSide(broker, steeredFrom);
    end = await Promise.race([lifecycle.stopped, broker.closed]);
  }
  await control?.close();
  await emulatorPort?.close();
  await broker.stop();
  if ('reason' in end) {
    const why = `The broker has stopped: ${end.reason}.`;
    throw new QuorateError(end.code === undefined ? 'INTERNAL' : codeOfBroker(end.code), why);
  }
  if (end.kind === 'crash') return reportCrash(end.error, options.verbose ?? false);
  terminal.line('stopped');
  return EXIT.done;
}

async function readTopology(file: string, parse: (text: string) => Topology): Promise<Topology> {
  const text = await textOf(file);
  try {
    return parse(text);
  } catch (error) {
    if (!isBrokerError(error)) throw error;
    throw new QuorateError(codeOfBroker(error.code), `--config ${file}: ${error.message}`, { cause: error });
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message;
    throw new QuorateError('USAGE', `--config ${file}: ${why}`);
  }
}
