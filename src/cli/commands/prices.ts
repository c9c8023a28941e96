// `quorate prices`: what models cost, looked at and changed while everything runs.
import { type Command, InvalidArgumentError } from 'commander';
import type { PriceChange, RevisedPrice } from '../../contract/orders.ts';
import { describePrice } from '../../contract/usage.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, verboseOption } from '../shared/options.ts';
import { formatRows } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import { QUERY_TIMEOUT_MS } from './send-event.ts';

interface PricesOptions {
  readonly data?: string;
  readonly json?: true;
}

interface SetOptions extends PricesOptions {
  readonly input: number;
  readonly output: number;
  readonly cached?: number;
  readonly at?: string;
}

const CALL = { timeoutMs: QUERY_TIMEOUT_MS };

export function addPricesCommand(program: Command, finish: Finish): void {
  const prices = program
    .command('prices')
    .description(
      'What models cost, for all processes: list, change. Needs `atRunTime` in the configuration.',
    );
  documented(prices, { exits: ['done', 'usage'], example: 'quorate prices --help' });
  const add = (name: string, description: string, example: string): Command =>
    documented(
      prices
        .command(name)
        .description(description)
        .addOption(dataOption())
        .option('--json', 'as JSON (default: off)')
        .addOption(verboseOption()),
      { exits: ['done', 'failed', 'usage'], example: `quorate prices ${example}` },
    );
  add('ls', 'List what counts now, in USD for a million tokens.', 'ls').action(
    async (options: PricesOptions) => finish(await list(options)),
  );
  add('set', 'Change what a model costs, for all processes at once.', 'set gpt-5 --input 1.25 --output 10')
    .argument('<model>', 'its name, as agents report it')
    .requiredOption(
      '--input <usd>',
      'USD for a million tokens of input (default: none, it must be said)',
      toUsd,
    )
    .requiredOption(
      '--output <usd>',
      'USD for a million tokens of output (default: none, it must be said)',
      toUsd,
    )
    .option('--cached <usd>', 'USD for a million tokens of cached input (default: as other input)', toUsd)
    .option('--at <day>', 'the day that it is of, YYYY-MM-DD (default: today)')
    .action(async (model: string, options: SetOptions) => finish(await set(model, options)));
}

async function list({ data, json }: PricesOptions): Promise<ExitCode> {
  const found = await withClient(data, ({ prices }) => prices.list(CALL));
  console.log(json ? JSON.stringify(found) : describePrices(found).join('\n'));
  return EXIT.done;
}

async function set(model: string, { data, json, input, output, cached, at }: SetOptions): Promise<ExitCode> {
  const change: PriceChange = {
    inputPerMillion: input,
    outputPerMillion: output,
    ...(cached === undefined ? {} : { cachedInputPerMillion: cached }),
    ...(at === undefined ? {} : { at }),
  };
  const price = await withClient(data, ({ prices }) => prices.set(model, change, CALL));
  console.log(
    json
      ? JSON.stringify({ [model]: price })
      : `${model}: ${describePrice(price)}, revision ${price.revision}`,
  );
  return EXIT.done;
}

export function describePrices(found: Readonly<Record<string, RevisedPrice>>): string[] {
  const all = Object.entries(found);
  if (all.length === 0) return ['no process that follows what is ordered at run time has prices'];
  const rows = all.map(([model, price]) => [
    model,
    String(price.inputPerMillion),
    String(price.cachedInputPerMillion ?? price.inputPerMillion),
    String(price.outputPerMillion),
    price.at,
    String(price.revision),
  ]);
  return formatRows([['model', 'input', 'cached', 'output', 'of', 'revision'], ...rows], [1, 2, 3, 5]);
}

function toUsd(text: string): number {
  const usd = Number(text);
  if (text.trim() === '' || !(usd >= 0 && usd < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('A number of USD from 0 on.');
  return usd;
}
