// How dead letters are chosen on the command line: by number, or by what they have in common.
import { type Command, InvalidArgumentError } from 'commander';
import type { DeadLetterFilter } from '../../contract/dead-letters.ts';
import { dataOption, userName, verboseOption, wholeNumber } from '../shared/options.ts';

export interface FilterOptions extends DeadLetterFilter {
  readonly data?: string;
  readonly json?: true;
}
export function addFilters(command: Command): Command {
  return command
    .option('--code <code>', 'of this error code (default: any)')
    .option('--agent <name>', 'of this agent (default: any)')
    .option('--actor <type[/id]>', 'for this actor, or for actors of this machine (default: any)')
    .option(
      '--since <time>',
      'set aside then or later: 2026-11-30T08:00Z, or 90m, 12h, 3d ago (default: any)',
      toTime,
    )
    .option('--until <time>', 'set aside before then (default: any)', toTime)
    .addOption(dataOption())
    .option('--json', 'as JSON (default: off)')
    .addOption(verboseOption());
}

export interface DoneByOptions {
  readonly by?: string;
  readonly why?: string;
}

export function addDoneBy(command: Command): Command {
  return command
    .option('--by <name>', 'who does it (default: the name of your account)')
    .option('--why <text>', 'why, for those who ask later: a host logs it (default: none)');
}

export function doneByOf({ by = userName(), why }: DoneByOptions): DoneByOptions {
  return { ...(by === undefined ? {} : { by }), ...(why === undefined ? {} : { why }) };
}

export function filterOf({ code, agent, actor, since, until }: DeadLetterFilter): DeadLetterFilter {
  return {
    ...(code === undefined ? {} : { code }),
    ...(agent === undefined ? {} : { agent }),
    ...(actor === undefined ? {} : { actor }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

export const toNumber = wholeNumber(0, undefined, 'The number of a letter, as `quorate dlq ls` shows it,');

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function toTime(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS[unit] ?? 0);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('It is a time, 2026-11-30T08:00Z, or how long ago: 90m, 12h, 3d.');
  return time;
}
