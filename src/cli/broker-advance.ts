// `quorate broker advance`: skips the virtual time of a running broker.
import { Argument, type Command } from 'commander';
import { dataFolder } from './data-folder.ts';
import { documented, type Finish } from './documented.ts';
import { toDurationMs } from './duration.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { dataOption, verboseOption } from './options.ts';

interface AdvanceCommandOptions {
  readonly data?: string;
  readonly patience?: number;
}

export function addBrokerAdvanceCommand(broker: Command, finish: Finish): void {
  const command = broker
    .command('advance')
    .description(
      'Skip the virtual time of a broker (--virtual-time): from one due entry to the next, each handled before the next.',
    )
    .addArgument(new Argument('<duration>', 'such as 90s, 1h30m or 3d').argParser(toDurationMs))
    .option(
      '--patience <duration>',
      'how long a client may sit on a message without anything else happening (default: 10s)',
      toDurationMs,
    )
    .addOption(dataOption())
    .addOption(verboseOption());
  documented(command, {
    exits: ['done', 'failed', 'usage'],
    example: 'quorate broker advance 3d',
  }).action(async (ms: number, options: AdvanceCommandOptions) => finish(await advance(ms, options)));
}

async function advance(ms: number, { data, patience }: AdvanceCommandOptions): Promise<ExitCode> {
  const { reachControl } = await import('../broker/index.ts');
  const more = patience === undefined ? {} : { patienceMs: patience };
  const now = await reachControl(dataFolder(data)).advance(ms, more);
  console.log(`it is ${new Date(now).toISOString()}`);
  return EXIT.done;
}
