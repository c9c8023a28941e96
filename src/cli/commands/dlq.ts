// `quorate dlq`: dead letters listed, looked at, sent again, thrown away.
import { type Command, InvalidArgumentError } from 'commander';
import type { QuorateClient } from '../../contract/client.ts';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterSelection,
  Remedied,
} from '../../contract/dead-letters.ts';
import { QuorateError } from '../../contract/errors.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { createLifecycle } from '../shared/lifecycle.ts';
import { dataOption, verboseOption, wholeNumber } from '../shared/options.ts';
import { CELL, confirm, createTerminal, formatRows, oneLine } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import { addEdit } from './dlq-edit.ts';
import { describeForesight, ForesightSum } from './dlq-foresight.ts';

interface FilterOptions extends DeadLetterFilter {
  readonly data?: string;
  readonly json?: true;
}
interface ListOptions extends FilterOptions {
  readonly all?: true;
  readonly from?: number;
  readonly limit: number;
}
interface RemedyOptions extends FilterOptions {
  readonly all?: true;
  readonly dryRun?: true;
  readonly rate?: number;
  readonly yes?: true;
}

export function addDlqCommand(program: Command, finish: Finish): void {
  const dlq = program
    .command('dlq')
    .description('Dead letters: what could not be done, set aside for you with its reason.');
  documented(dlq, { exits: ['done', 'usage'], example: 'quorate dlq --help' });

  const list = dlq
    .command('ls')
    .description('List them, oldest first.')
    .option('--all', 'handled ones too (default: those that wait for somebody)')
    .option('--from <number>', 'begin with this one (default: the oldest)', toNumber)
    .option('--limit <count>', 'at most so many', toNumber, 100);
  documented(addFilters(list), {
    exits: ['done', 'failed', 'usage'],
    example: 'quorate dlq ls --code TASK_FAILED',
  }).action(async (options: ListOptions) => finish(await showList(options)));

  const show = dlq
    .command('show')
    .description('Show one with its body.')
    .argument('<number>', 'as listed', toNumber)
    .addOption(dataOption())
    .option('--json', 'as JSON (default: off)')
    .addOption(verboseOption());
  documented(show, { exits: ['done', 'failed', 'usage'], example: 'quorate dlq show 1' }).action(
    async (number: number, options: FilterOptions) => finish(await showOne(number, options)),
  );

  addEdit(dlq, finish);
  addRemedy(
    dlq,
    finish,
    'redrive',
    'Send them again to where they failed, with attempts and a deadline of their own.',
  );
  addRemedy(dlq, finish, 'discard', 'Remove them for good.');
}

function addRemedy(dlq: Command, finish: Finish, verb: 'redrive' | 'discard', description: string): void {
  const command = dlq
    .command(verb)
    .description(description)
    .argument('[numbers...]', 'as listed; or choose by --code, --agent, --actor, --since, --until or --all')
    .option('--all', 'every one that waits for somebody (default: off)')
    .option(
      '--dry-run',
      verb === 'redrive'
        ? 'only say what it would come to (default: off)'
        : 'only say what would be removed (default: off)',
    );
  command.option('--rate <letters/s>', 'at most so many a second: 10/s (default: no limit)', toRate);
  if (verb === 'discard') command.option('--yes', 'do not ask (default: ask)');
  documented(addFilters(command), {
    exits: ['done', 'failed', 'usage', 'interrupted'],
    example:
      verb === 'redrive' ? 'quorate dlq redrive --agent scan --dry-run' : 'quorate dlq discard 1 --yes',
  }).action(async (numbers: string[], options: RemedyOptions) =>
    finish(await remedy(verb, numbers, options)),
  );
}

function addFilters(command: Command): Command {
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

async function showList({ all, from, limit, json, data, ...filter }: ListOptions): Promise<ExitCode> {
  const page = await withClient(data, ({ deadLetters }) =>
    deadLetters.list({
      ...filterOf(filter),
      ...(all === true ? { all } : {}),
      limit,
      ...(from === undefined ? {} : { from }),
    }),
  );
  if (json) console.log(JSON.stringify(page, undefined, 2));
  else if (page.items.length === 0) console.log('there are no dead letters');
  else {
    for (const line of tableOf(page.items, all === true)) console.log(line);
    const more = all === true ? '--all --from' : '--from';
    if (page.next !== undefined) console.log(`more: quorate dlq ls ${more} ${page.next}`);
  }
  return EXIT.done;
}

function tableOf(letters: readonly DeadLetter[], all: boolean): string[] {
  const rows = letters.map((letter) => [
    String(letter.number),
    new Date(letter.at).toISOString(),
    letter.kind,
    letter.actor ?? '',
    letter.agent ?? '',
    letter.code,
    ...(all ? [letter.handled ? 'yes' : ''] : []),
    oneLine(letter.description, CELL),
  ]);
  return formatRows(
    [['number', 'at', 'kind', 'actor', 'agent', 'code', ...(all ? ['handled'] : []), 'description'], ...rows],
    [0],
  );
}

async function showOne(number: number, { data, json }: FilterOptions): Promise<ExitCode> {
  const letter = await withClient(data, ({ deadLetters }) => deadLetters.show(number));
  if (letter === undefined) {
    console.log(`there is no dead letter ${number}`);
    return EXIT.failed;
  }
  if (json) {
    console.log(JSON.stringify(letter, undefined, 2));
    return EXIT.done;
  }
  const { body, was, edited, ...fields } = letter;
  const by =
    edited === undefined
      ? {}
      : { edited: `by ${edited.by || 'somebody'} at ${new Date(edited.at).toISOString()}` };
  const rows = Object.entries({ ...fields, at: new Date(fields.at).toISOString(), ...by });
  for (const line of formatRows(rows.map(([name, value]) => [name, String(value)]))) console.log(line);
  console.log(JSON.stringify(body, undefined, 2));
  if (was !== undefined) console.log(`it came with\n${JSON.stringify(was, undefined, 2)}`);
  return EXIT.done;
}

async function remedy(
  verb: 'redrive' | 'discard',
  numbers: readonly string[],
  { all, dryRun, yes, rate, json, data, ...filter }: RemedyOptions,
): Promise<ExitCode> {
  const chosen = filterOf(filter);
  const selection: DeadLetterSelection = numbers.length > 0 ? numbers.map(toNumber) : chosen;
  const isFiltered = Object.keys(chosen).length > 0;
  if ([numbers.length > 0, isFiltered, all === true].filter(Boolean).length !== 1)
    throw new QuorateError(
      'USAGE',
      'Choose by numbers, or by --code, --agent, --actor, --since and --until, or --all.',
    );
  if (verb === 'discard' && !dryRun && !yes && !(await confirm('Remove these dead letters for good?')))
    return EXIT.failed;
  const { signal, stopped } = createLifecycle();
  const what = { dryRun: dryRun === true, signal, ...(rate === undefined ? {} : { rate }) };
  const { sum, end } = await withClient(data, (client) => work(client, verb, selection, what, json === true));
  if (!json) console.log(String(sum));
  const cause = end === EXIT.interrupted ? await stopped : undefined;
  if (cause?.kind === 'crash') throw cause.error;
  if (end === EXIT.interrupted)
    process.stderr.write('interrupted: the other letters are as they were; the same command continues\n');
  return end;
}

/** Says what became of each letter when it is done: none of them is kept. A signal ends it between two letters. */
async function work(
  { deadLetters }: QuorateClient,
  verb: 'redrive' | 'discard',
  selection: DeadLetterSelection,
  what: { readonly dryRun: boolean; readonly signal: AbortSignal; readonly rate?: number },
  json: boolean,
): Promise<{ readonly sum: ForesightSum; readonly end: ExitCode }> {
  const sum = new ForesightSum();
  const terminal = createTerminal();
  let isWhole = true;
  let count = 0;
  try {
    for await (const each of deadLetters[verb](selection, what)) {
      sum.add(each);
      if (each.outcome === 'refused' || each.outcome === 'gone') isWhole = false;
      terminal.line(json ? JSON.stringify(each) : describe(each));
      count += 1;
      if (!json) terminal.status(`${count} letters`);
    }
  } catch (thrown) {
    if (!what.signal.aborted) throw thrown;
    return { sum, end: EXIT.interrupted };
  } finally {
    terminal.clear();
  }
  return { sum, end: isWhole ? EXIT.done : EXIT.failed };
}

function describe({ number, outcome, why, foresight }: Remedied): string {
  if (foresight !== undefined) return `${number} ${describeForesight(foresight)}`;
  return `${number} ${outcome}${why === undefined ? '' : `: ${why}`}`;
}

function filterOf({ code, agent, actor, since, until }: DeadLetterFilter): DeadLetterFilter {
  return {
    ...(code === undefined ? {} : { code }),
    ...(agent === undefined ? {} : { agent }),
    ...(actor === undefined ? {} : { actor }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

const toNumber = wholeNumber(0, undefined, 'The number of a letter, as `quorate dlq ls` shows it,');

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function toTime(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS[unit] ?? 0);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('It is a time, 2026-11-30T08:00Z, or how long ago: 90m, 12h, 3d.');
  return time;
}

function toRate(text: string): number {
  const rate = Number(text.replace(/\/s$/, ''));
  if (!(rate > 0)) throw new InvalidArgumentError('It is a number of letters a second: 10/s.');
  return rate;
}
