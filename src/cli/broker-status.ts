// `quorate broker status`: a line per entity, of a running broker or of the data it left.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { EntityStatus } from '../broker/index.ts';
import { dataFolder } from './data-folder.ts';
import { documented, type Finish } from './documented.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { dataOption, verboseOption } from './options.ts';
import { formatRows } from './table.ts';

const COLUMNS = ['active', 'scheduled', 'deferred', 'dead', 'sessions', 'locks'] as const;

export function addBrokerStatusCommand(broker: Command, finish: Finish): void {
  const command = broker
    .command('status')
    .description('Show how many messages, sessions and locks every entity has.')
    .addOption(dataOption())
    .addOption(verboseOption());
  documented(command, {
    exits: ['done', 'failed', 'usage'],
    example: 'quorate broker status',
  }).action(async (options: { readonly data?: string }) => finish(await showStatus(options.data)));
}

async function showStatus(data: string | undefined): Promise<ExitCode> {
  const folder = dataFolder(data);
  if (!existsSync(folder)) {
    console.log(`there is no ${folder}`);
    return EXIT.failed;
  }
  const { readStatus } = await import('../broker/index.ts');
  for (const line of statusTable(await readStatus(folder))) console.log(line);
  return EXIT.done;
}

function statusTable(entities: readonly EntityStatus[]): string[] {
  const rows = [
    ['entity', ...COLUMNS],
    ...entities.map((each) => [
      each.name,
      each.active,
      each.scheduled,
      each.deferred,
      each.deadLettered,
      each.sessions,
      each.locks,
    ]),
  ].map((cells) => cells.map(String));
  return formatRows(rows, [1, 2, 3, 4, 5, 6]);
}
