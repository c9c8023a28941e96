// `status`: a line per entity, of a running broker or of the data it left.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { EntityStatus } from '../options.ts';
import { readStatus } from '../status.ts';
import {
  dataFolder,
  dataOption,
  documented,
  EXIT,
  type ExitCode,
  type Shell,
  verboseOption,
} from './command.ts';

const COLUMNS = ['active', 'scheduled', 'deferred', 'dead', 'sessions', 'locks'] as const;

export function addStatusCommand(program: Command, { name, finish }: Shell): void {
  const command = program
    .command('status')
    .description('Show how many messages, sessions and locks every entity has.')
    .addOption(dataOption())
    .addOption(verboseOption());
  documented(command, {
    exits: ['done', 'failed', 'usage'],
    example: `${name} status`,
  }).action(async (options: { readonly data?: string }) => finish(await showStatus(options.data)));
}

async function showStatus(data: string | undefined): Promise<ExitCode> {
  const folder = dataFolder(data);
  if (!existsSync(folder)) {
    console.log(`there is no ${folder}`);
    return EXIT.failed;
  }
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
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  // Names to the left, numbers to the right.
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}
