// `quorate dlq`: dead letters listed, looked at, sent again, thrown away.
import type { Command } from 'commander';
import type {
  DeadLetter,
  DeadLetterPage,
  LetterEdited,
  LetterRedriven,
} from '../../contract/dead-letters.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, verboseOption, wholeNumber } from '../shared/options.ts';
import { CELL, formatRows, oneLine } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import { addEdit } from './dlq-edit.ts';
import { addFilters, type FilterOptions, filterOf, toNumber } from './dlq-filters.ts';
import { NOTHING } from './dlq-foresight.ts';
import { addRemedy } from './dlq-remedy.ts';

interface ListOptions extends FilterOptions {
  readonly all?: true;
  readonly from?: number;
  readonly limit: number;
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
    .option('--limit <count>', 'at most so many', wholeNumber(1, undefined, 'A limit'), 100);
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

/** Letters that are in memory at once, however many are asked for. */
const PAGE = 500;

async function showList(options: ListOptions): Promise<ExitCode> {
  const { all, from, limit, json, data, ...filter } = options;
  const chosen = { ...filterOf(filter), ...(all === true ? { all } : {}) };
  const print = json ? inJson() : inRows(all === true, again(options), nothingOf(options));
  await withClient(data, async ({ deadLetters }) => {
    let left = limit;
    for (let next = from ?? 0; ; ) {
      const page = await deadLetters.list({ ...chosen, from: next, limit: Math.min(left, PAGE) });
      left -= page.items.length;
      const isLast = page.next === undefined || left === 0;
      print(page, isLast);
      if (page.next === undefined || isLast) return;
      next = page.next;
    }
  });
  return EXIT.done;
}

type Print = (page: DeadLetterPage, isLast: boolean) => void;

function nothingOf({ all, from, ...filter }: ListOptions): string {
  if (from !== undefined || Object.keys(filterOf(filter)).length > 0)
    return all === true ? 'nothing matches' : NOTHING;
  return 'there are no dead letters';
}

/** The command that lists the next ones too. */
function again({ all, data, code, agent, actor, since, until }: ListOptions): string {
  const options = { code, agent, actor, since: iso(since), until: iso(until), data };
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, /^[\w./:-]+$/.test(value) ? value : `'${value}'`],
  );
  return ['quorate dlq ls', ...(all === true ? ['--all'] : []), ...words].join(' ');
}

function iso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

/** One value: the pages that it came in are not seen. */
function inJson(): Print {
  process.stdout.write('{\n  "items": [');
  let between = '';
  return ({ items, next }, isLast) => {
    const text = items
      .map((item) => JSON.stringify(item, undefined, 2).replaceAll(/^/gm, '    '))
      .join(',\n');
    if (text !== '') process.stdout.write(`${between}\n${text}`);
    if (text !== '') between = ',';
    if (!isLast) return;
    process.stdout.write(
      `${between === '' ? '' : '\n  '}]${next === undefined ? '' : `,\n  "next": ${next}`}\n}\n`,
    );
  };
}

function inRows(all: boolean, more: string, nothing: string): Print {
  let count = 0;
  return ({ items, next }, isLast) => {
    // The head once. Columns are as wide as their page needs.
    const rows = tableOf(items, all);
    for (const line of rows.slice(count === 0 ? 0 : 1)) if (items.length > 0) console.log(line);
    count += items.length;
    if (count === 0) console.log(nothing);
    else if (isLast && next !== undefined) console.log(`more: ${more} --from ${next}`);
  };
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
  const { body, was, edited, earlier = [], data: facts, ...fields } = letter;
  const rows = Object.entries({
    ...fields,
    at: new Date(fields.at).toISOString(),
    ...(facts === undefined ? {} : { data: JSON.stringify(facts) }),
    ...(edited === undefined ? {} : { edited: describeDone(edited) }),
  });
  const before = earlier.map((one) => ['earlier', describeEarlier(one)]);
  for (const line of formatRows([...rows.map(([name, value]) => [name, oneLine(String(value))]), ...before]))
    console.log(line);
  console.log(JSON.stringify(body, undefined, 2));
  if (was !== undefined) console.log(`it came with\n${JSON.stringify(was, undefined, 2)}`);
  return EXIT.done;
}

function describeDone({ by, at, why }: LetterEdited): string {
  const reason = why === undefined ? '' : `: ${oneLine(why)}`;
  return `by ${by || 'somebody'} at ${new Date(at).toISOString()}${reason}`;
}

function describeEarlier(letter: LetterRedriven): string {
  const { number, edited } = letter;
  const change = edited === undefined ? '' : `changed ${describeDone(edited)}, `;
  return `was letter ${number}, ${change}sent again ${describeDone(letter)}`;
}
