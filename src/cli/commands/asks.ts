// `quorate asks`: questions to people listed, shown and answered.
import { type Command, InvalidArgumentError } from 'commander';
import { type ClosedAsk, MOST_IN_A_PAGE, type OpenAsk, parseAskId } from '../../contract/asks.ts';
import type { QuorateClient } from '../../contract/client.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, userName, verboseOption, wholeNumber } from '../shared/options.ts';
import { CELL, formatRows, oneLine } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import { askForAnswer, describeAnswer, readAnswer } from './answer-text.ts';
import { QUERY_TIMEOUT_MS } from './send-event.ts';

interface AsksOptions {
  readonly data?: string;
  readonly json?: true;
}

interface ListOptions extends AsksOptions {
  readonly type?: string;
  readonly closed?: true;
  readonly after?: string;
  readonly limit: number;
}

interface AnswerOptions extends AsksOptions {
  readonly by?: string;
}

const CALL = { timeoutMs: QUERY_TIMEOUT_MS };
const PAGE = 100;

export function addAsksCommand(program: Command, finish: Finish): void {
  const asks = program.command('asks').description('Questions to people: list, show, answer.');
  documented(asks, { exits: ['done', 'usage'], example: 'quorate asks --help' });
  const add = (name: string, description: string, example: string): Command =>
    documented(
      asks
        .command(name)
        .description(description)
        .addOption(dataOption())
        .option('--json', 'as JSON (default: off)')
        .addOption(verboseOption()),
      { exits: ['done', 'failed', 'usage'], example: `quorate asks ${example}` },
    );
  add('ls', 'List the open ones, the oldest of each type first.', 'ls')
    .option('--type <type>', 'of actors of this machine type (default: all)')
    .option('--closed', 'the latest that are open no more, with who answered (default: off)')
    .option('--after <place>', 'begin where a page ended (default: at the first)')
    .option('--limit <count>', 'at most so many', wholeNumber(1, MOST_IN_A_PAGE), PAGE)
    .action(async (options: ListOptions) => finish(await list(options)));
  add('show', 'Show one with all that belongs to it.', 'show review/r1')
    .argument('<question>', 'its id, or type/id of an actor that asks one', toId)
    .action(async (id: string, options: AsksOptions) => finish(await show(id, options)));
  add('answer', 'Answer one; the first answer counts.', 'answer review/r1 publish')
    .argument('<question>', 'its id, or type/id of an actor that asks one', toId)
    .argument('[answer]', 'a text, a choice, or JSON; without it you are asked')
    .option('--by <name>', 'who answers (default: your user name)')
    .action(async (id: string, text: string | undefined, options: AnswerOptions) =>
      finish(await answer(id, text, options)),
    );
}

async function list({ data, json, type, closed, after, limit }: ListOptions): Promise<ExitCode> {
  const page = await withClient(data, (client) =>
    client.asks({
      ...CALL,
      limit,
      ...(type === undefined ? {} : { type }),
      ...(closed === undefined ? {} : { closed }),
      ...(after === undefined ? {} : { after }),
    }),
  );
  if (json) {
    console.log(JSON.stringify(page, undefined, 2));
    return EXIT.done;
  }
  const now = Date.now();
  for (const line of closed ? describeClosed(page.closed, now) : describeOpen(page.open, now))
    console.log(line);
  if (page.unlisted > 0) console.log(`${page.unlisted} more are open: there are too many for the list`);
  if (page.next !== undefined) console.log(`more: quorate asks ls --after '${page.next}'`);
  return EXIT.done;
}

async function show(id: string, { data, json }: AsksOptions): Promise<ExitCode> {
  const found = await withClient(data, (client) => find(client, id));
  console.log(json ? JSON.stringify(found, undefined, 2) : describeQuestion(found, Date.now()).join('\n'));
  return EXIT.done;
}

async function answer(id: string, given: string | undefined, options: AnswerOptions): Promise<ExitCode> {
  const { data, json, by = userName() } = options;
  const done = await withClient(data, async (client) => {
    const question = await find(client, id);
    const text = given ?? (await askForAnswer(question, describeQuestion(question, Date.now())));
    const value: Json = readAnswer(text, question.schema);
    await client.answer(question.id, value, { ...CALL, ...(by === undefined ? {} : { by }) });
    return { id: question.id, answer: value, ...(by === undefined ? {} : { by }) };
  });
  console.log(json ? JSON.stringify(done) : `answered ${done.id}: ${asText(done.answer)}`);
  return EXIT.done;
}

/** Of the actor itself, which knows what is open. Throws ASK_CLOSED, ASK_AMBIGUOUS, ACTOR_NOT_FOUND. */
async function find(client: QuorateClient, id: string): Promise<OpenAsk> {
  const { actor, ask } = parseAskId(id) ?? { actor: { type: '', id: '' } };
  const { asks } = await client.query(actor.type, actor.id, CALL);
  const open = asks?.open ?? [];
  const [first] = open;
  if (ask === undefined && open.length > 1)
    throw new QuorateError(
      'ASK_AMBIGUOUS',
      `${open.length} questions are open; say which: ${open.map((one) => one.id).join(', ')}`,
    );
  const found = ask === undefined ? first : open.find((one) => one.id === id);
  if (found !== undefined) return found;
  const known = asks?.closed.find((one) => one.id === id);
  throw new QuorateError(
    'ASK_CLOSED',
    known === undefined
      ? `no question ${id} is open`
      : `${id}: ${endOf(known)} ${agoOf(known.at, Date.now())}`,
  );
}

export function describeOpen(open: readonly OpenAsk[], now: number): string[] {
  if (open.length === 0) return ['no question is open'];
  const cells = open.map((ask) => [
    ask.id,
    oneLine(ask.question, CELL),
    describeAnswer(ask),
    formatSpan(now - ask.openedAt),
    describeDeadline(ask, now),
  ]);
  return formatRows([['id', 'question', 'answer', 'age', 'deadline'], ...cells], [3]);
}

export function describeClosed(closed: readonly ClosedAsk[], now: number): string[] {
  if (closed.length === 0) return ['no question was closed lately'];
  const cells = closed.map((ask) => [ask.id, oneLine(ask.question, CELL), endOf(ask), agoOf(ask.at, now)]);
  return formatRows([['id', 'question', 'end', 'when'], ...cells]);
}

function describeQuestion(ask: OpenAsk, now: number): string[] {
  const deadline = describeDeadline(ask, now);
  return [
    ask.question,
    '',
    `answer    ${describeAnswer(ask)}`,
    `asked     ${agoOf(ask.openedAt, now)}, by ${ask.actor.type}/${ask.actor.id} in ${ask.state || 'its root'}`,
    ...(deadline === '' ? [] : [`deadline  ${deadline}`]),
    `id        ${ask.id}`,
  ];
}

function describeDeadline({ deadlineAt, default: otherwise }: OpenAsk, now: number): string {
  if (deadlineAt === undefined) return '';
  const left = deadlineAt - now;
  const when = left > 0 ? `in ${formatSpan(left)}` : `${formatSpan(-left)} late`;
  return otherwise === undefined ? when : `${when}, then ${asText(otherwise)}`;
}

function endOf({ how, by, answer: said }: ClosedAsk): string {
  const what = said === undefined ? '' : ` ${asText(said)}`;
  switch (how) {
    case 'answered':
      return `answered${what}${by === undefined ? '' : ` by ${by}`}`;
    case 'default':
      return `default answer:${what}`;
    case 'left':
      return 'withdrawn: its state was left';
    case 'ended':
      return 'withdrawn: its actor ended';
  }
}

function agoOf(at: number, now: number): string {
  return `${formatSpan(now - at)} ago`;
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** The largest unit that it has one of; clocks of two machines may differ a little. */
function formatSpan(ms: number): string {
  const [size, unit] = UNITS.find(([one]) => ms >= one) ?? [1_000, 's'];
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}

function asText(value: Json): string {
  return typeof value === 'string' ? oneLine(value, CELL) : oneLine(JSON.stringify(value), CELL);
}

function toId(text: string): string {
  if (parseAskId(text) !== undefined) return text;
  throw new InvalidArgumentError('A question is <type>/<id>#<question>, as `quorate asks ls` shows it.');
}
