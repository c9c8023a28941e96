// `advance`: skips the virtual time of a running broker.
import { Argument, type Command } from 'commander';
import { reachControl } from '../control/control-side.ts';
import {
  dataFolder,
  dataOption,
  documented,
  EXIT,
  type ExitCode,
  type Shell,
  toDurationMs,
  verboseOption,
} from './command.ts';

interface AdvanceCommandOptions {
  readonly data?: string;
  readonly patience?: number;
}

export function addAdvanceCommand(program: Command, { name, finish }: Shell): void {
  const command = program
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
    example: `${name} advance 3d`,
  }).action(async (ms: number, options: AdvanceCommandOptions) => finish(await advance(ms, options)));
}

async function advance(ms: number, { data, patience }: AdvanceCommandOptions): Promise<ExitCode> {
  const more = patience === undefined ? {} : { patienceMs: patience };
  const now = await reachControl(dataFolder(data)).advance(ms, more);
  console.log(`it is ${new Date(now).toISOString()}`);
  return EXIT.done;
}
