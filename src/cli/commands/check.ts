// `quorate check`: what a deployment of another configuration would do to the actors that live. Its exit code is for a pipeline.
import type { Command } from 'commander';
import { loadConfig, resolveConfig } from '../../config/resolve.ts';
import { dataFolderOf, targetOf } from '../../config/target.ts';
import type { Fate, NextMachine, Verdict } from '../../console/check/check.ts';
import type { Living } from '../../console/protocol.ts';
import type { ResolvedConfig } from '../../contract/config.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, verboseOption, withFlags } from '../shared/options.ts';
import { registered } from '../shared/registered.ts';
import { CELL, createTerminal, formatRows, oneLine } from '../shared/terminal.ts';
import { DEFAULT_CONFIG } from './start.ts';

interface Options {
  readonly config: string;
  readonly data?: string;
  readonly console?: string;
  readonly strict?: true;
  readonly json?: true;
}

export function addCheckCommand(program: Command, finish: Finish): void {
  const command = program
    .command('check')
    .description('Say which living actors a deployment of this configuration would strand or change.')
    .option('--config <file>', 'the next configuration, .ts or .js', DEFAULT_CONFIG)
    .option(
      '--console <url>',
      'ask the console there, with $QUORATE_CONSOLE_TOKEN (default: the index of the data folder)',
    )
    .option('--strict', 'fail also where actors would change (default: only where they would be stranded)')
    .option('--json', 'as JSON (default: off)')
    .addOption(dataOption())
    .addOption(verboseOption());
  documented(command, {
    exits: ['done', 'failed', 'usage'],
    example: 'quorate check --config quorate.config.ts --strict',
  }).action(async (options: Options) => finish(await check(options)));
}

async function check({ config: file, data, console: url, strict, json }: Options): Promise<ExitCode> {
  const env = withFlags(process.env, data === undefined ? {} : { data });
  const config = resolveConfig(await loadConfig(file), env);
  const [{ checkDeployment }, living, next] = await Promise.all([
    import('../../console/check/check.ts'),
    readLiving(config, env, url),
    nextMachines(config),
  ]);
  const told = new Map(
    living.machines.map(({ type, version, definition }) => [`${type}\n${version}`, definition]),
  );
  const verdicts = checkDeployment({
    living: living.states,
    next,
    definitionOf: (type, version) => told.get(`${type}\n${version}`),
  });
  if (json) console.log(JSON.stringify(verdicts, undefined, 2));
  else print(verdicts);
  const isBad = ({ fate }: Verdict): boolean =>
    fate === 'stranded' || (strict === true && fate === 'changes');
  return verdicts.some(isBad) ? EXIT.failed : EXIT.done;
}

async function readLiving(
  config: ResolvedConfig,
  env: Readonly<Record<string, string | undefined>>,
  url: string | undefined,
): Promise<Living> {
  const { livingAt, livingHere } = await import('../../console/check/living.ts');
  if (url !== undefined) return livingAt(url, process.env['QUORATE_CONSOLE_TOKEN'] || undefined);
  const target = targetOf(config, env['NODE_ENV']);
  const broker = target.mode === 'embedded' ? 'embedded' : target.endpoint;
  return livingHere({ data: dataFolderOf(config), broker, prefix: config.prefix });
}

/** Child machines are what their roots make of them: they are registered with them, in the same version. */
async function nextMachines(config: ResolvedConfig): Promise<ReadonlyMap<string, NextMachine>> {
  const { machines, older } = await registered(config);
  return new Map(
    [...machines].map(([type, { machine, definition }]) => [
      type,
      {
        version: machine.version,
        definition,
        older: new Set(older.get(type)?.keys()),
        migrates: config.machines[type]?.migrate !== undefined,
      },
    ]),
  );
}

const ORDER: readonly Fate[] = ['stranded', 'changes', 'migrates', 'moves', 'stays'];
const PAINT = {
  stranded: 'red',
  changes: 'yellow',
  migrates: 'yellow',
  moves: 'green',
  stays: 'green',
} as const;

function print(verdicts: readonly Verdict[]): void {
  const terminal = createTerminal();
  const sorted = verdicts.toSorted(
    (a, b) => ORDER.indexOf(a.fate) - ORDER.indexOf(b.fate) || b.count - a.count,
  );
  if (sorted.length === 0)
    return terminal.line('No actor lives, as far as the index knows: nothing can be stranded.');
  const rows = sorted.map(({ fate, count, type, version, next = '', value, why, change }) => [
    fate,
    String(count),
    type,
    version === next ? version : `${version} -> ${next || 'none'}`,
    oneLine(typeof value === 'string' ? value : JSON.stringify(value), CELL),
    [why, ...inWords(change)].join('; '),
  ]);
  const lines = formatRows([['fate', 'actors', 'machine', 'version', 'state', 'why'], ...rows], [1]);
  for (const [at, line] of lines.entries()) {
    const fate = sorted[at - 1]?.fate;
    terminal.line(
      fate === undefined
        ? terminal.paint('dim', line)
        : line.replace(fate, terminal.paint(PAINT[fate], fate)),
    );
  }
  const of = (fate: Fate): number =>
    sorted.filter((one) => one.fate === fate).reduce((sum, { count }) => sum + count, 0);
  terminal.line('');
  terminal.line(ORDER.flatMap((fate) => (of(fate) === 0 ? [] : [`${of(fate)} ${fate}`])).join(', '));
}

function inWords({ lostTimers, notBegun, lostEvents, lostWork }: Verdict['change']): string[] {
  const said = (what: string, list: readonly string[]): string[] =>
    list.length === 0 ? [] : [`${what} ${list.join(', ')}`];
  return [
    ...said('loses the work', lostWork),
    ...said('timers that lead nowhere:', lostTimers),
    ...said('does not begin', notBegun),
    ...said('takes no more', lostEvents),
  ];
}
