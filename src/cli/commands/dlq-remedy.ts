// `quorate dlq redrive` and `discard`: what became of each letter in a line, how far it is on a status line, and a sum at the end.
import { type Command, InvalidArgumentError } from 'commander';
import type { QuorateClient } from '../../contract/client.ts';
import { type DeadLetterSelection, MOST_RATE, type Remedied } from '../../contract/dead-letters.ts';
import { QuorateError } from '../../contract/errors.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { createLifecycle } from '../shared/lifecycle.ts';
import { confirm, createTerminal, type Terminal } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import {
  addDoneBy,
  addFilters,
  type DoneByOptions,
  doneByOf,
  type FilterOptions,
  filterOf,
  toNumber,
} from './dlq-filters.ts';
import { describeForesight, ForesightSum } from './dlq-foresight.ts';

interface RemedyOptions extends FilterOptions, DoneByOptions {
  readonly all?: true;
  readonly dryRun?: true;
  readonly rate?: number;
  readonly yes?: true;
}

export function addRemedy(
  dlq: Command,
  finish: Finish,
  verb: 'redrive' | 'discard',
  description: string,
): void {
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
  addDoneBy(command);
  if (verb === 'discard') command.option('--yes', 'do not ask (default: ask)');
  documented(addFilters(command), {
    exits: ['done', 'failed', 'usage', 'interrupted'],
    example:
      verb === 'redrive' ? 'quorate dlq redrive --agent scan --dry-run' : 'quorate dlq discard 1 --yes',
  }).action(async (numbers: string[], options: RemedyOptions) =>
    finish(await remedy(verb, numbers, options)),
  );
}

async function remedy(
  verb: 'redrive' | 'discard',
  numbers: readonly string[],
  { all, dryRun, yes, rate, json, data, by, why, ...filter }: RemedyOptions,
): Promise<ExitCode> {
  const chosen = filterOf(filter);
  const selection: DeadLetterSelection = numbers.length > 0 ? numbers.map(toNumber) : chosen;
  const isFiltered = Object.keys(chosen).length > 0;
  if ([numbers.length > 0, isFiltered, all === true].filter(Boolean).length !== 1)
    throw new QuorateError(
      'USAGE',
      'Choose by numbers, or by --code, --agent, --actor, --since and --until, or --all.',
    );
  if (filter.since !== undefined && filter.until !== undefined && filter.since >= filter.until)
    throw new QuorateError('USAGE', 'Nothing lies between --since and --until: --until is the later one.');
  if (verb === 'discard' && !dryRun && !yes && !(await confirm('Remove these dead letters for good?')))
    return EXIT.failed;
  const { signal, stopped } = createLifecycle();
  const who = doneByOf({ ...(by === undefined ? {} : { by }), ...(why === undefined ? {} : { why }) });
  const what = { dryRun: dryRun === true, signal, ...who, ...(rate === undefined ? {} : { rate }) };
  const { sum, end, failure } = await withClient(data, (client) =>
    work(client, verb, selection, what, json === true),
  );
  // Of what ended before it began there is nothing to add up.
  if ((!json || end !== EXIT.done) && (failure === undefined || !sum.isEmpty))
    (json ? process.stderr : process.stdout).write(`${String(sum)}\n`);
  const cause = end === EXIT.interrupted ? await stopped : undefined;
  if (cause?.kind === 'crash') throw cause.error;
  if (failure !== undefined) throw failure;
  if (end === EXIT.interrupted)
    process.stderr.write('interrupted: the other letters are as they were; the same command continues\n');
  return end;
}

/** A script learns by the exit code that not all was done. */
const UNDONE: ReadonlySet<Remedied['outcome']> = new Set(['refused', 'gone', 'held']);

interface Worked {
  readonly sum: ForesightSum;
  readonly end: ExitCode;
  /** What ended it early. What was done before is in the sum. */
  readonly failure?: unknown;
}

/** Says what became of each letter when it is done: none of them is kept. A signal ends it when the letters in hand are done. */
async function work(
  { deadLetters }: QuorateClient,
  verb: 'redrive' | 'discard',
  selection: DeadLetterSelection,
  what: DoneByOptions & {
    readonly dryRun: boolean;
    readonly signal: AbortSignal;
    readonly rate?: number;
  },
  json: boolean,
): Promise<Worked> {
  const sum = new ForesightSum();
  const lines = createTerminal();
  // Where the lines go to a file, it is seen all the same how far it is.
  const screen = lines.interactive ? lines : createTerminal(process.stderr);
  const progress = progressOf(screen);
  screen.status(what.dryRun ? 'trying them out' : 'reading them');
  let isWhole = true;
  try {
    for await (const each of deadLetters[verb](selection, what)) {
      sum.add(each);
      if (UNDONE.has(each.outcome)) isWhole = false;
      lines.line(json ? JSON.stringify(each) : describe(each));
      progress();
    }
  } catch (failure) {
    return what.signal.aborted ? { sum, end: EXIT.interrupted } : { sum, end: EXIT.failed, failure };
  } finally {
    screen.clear();
  }
  return { sum, end: isWhole ? EXIT.done : EXIT.failed };
}

const REDRAWN_MS = 100;
const MEASURED_MS = 2_000;

/** Counts one more: how many there were, and how many a second lately. */
function progressOf(screen: Pick<Terminal, 'status'>): () => void {
  let count = 0;
  let drawnAt = 0;
  let since = { at: performance.now(), count: 0 };
  let rate = '';
  return () => {
    count += 1;
    const now = performance.now();
    if (now - since.at >= MEASURED_MS) {
      const perSecond = ((count - since.count) * 1_000) / (now - since.at);
      rate = `, ${Math.round(perSecond).toLocaleString('en-US')}/s`;
      since = { at: now, count };
    }
    // A line that was written has taken it away.
    if (count > 1 && now - drawnAt < REDRAWN_MS) return;
    drawnAt = now;
    screen.status(`${count.toLocaleString('en-US')} ${count === 1 ? 'letter' : 'letters'}${rate}`);
  };
}

function describe({ number, outcome, why, foresight }: Remedied): string {
  if (foresight !== undefined) return `${number} ${describeForesight(foresight)}`;
  if (outcome === 'gone') return `${number} gone: there is no such letter`;
  return `${number} ${outcome}${why === undefined ? '' : `: ${why}`}`;
}

function toRate(text: string): number {
  const rate = Number(text.replace(/\/s$/, ''));
  if (!(rate > 0 && rate <= MOST_RATE))
    throw new InvalidArgumentError(`It is a number of letters a second, up to ${MOST_RATE}: 10/s.`);
  return rate;
}
