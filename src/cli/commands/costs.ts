// `quorate costs`: what a run used, with all that it started: by agent and model, what of it was wasted, what nobody measured.
import type { Command } from 'commander';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import { type Amount, type Costs, isUsed, MICROS } from '../../contract/usage.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, toAddress, verboseOption } from '../shared/options.ts';
import { formatRows } from '../shared/terminal.ts';
import { withClient } from '../shared/with-client.ts';
import { QUERY_TIMEOUT_MS } from './send-event.ts';

interface CostsOptions {
  readonly data?: string;
  readonly json?: true;
}

export function addCostsCommand(program: Command, finish: Finish): void {
  const command = program
    .command('costs')
    .description('What an actor used, with all that it started: tokens, calls, money.')
    .argument('<actor>', 'type/id', toAddress)
    .addOption(dataOption())
    .option('--json', 'as JSON (default: off)')
    .addOption(verboseOption())
    .action(async (actor: ActorAddress, options: CostsOptions) => finish(await show(actor, options)));
  documented(command, { exits: ['done', 'failed', 'usage'], example: 'quorate costs --help' });
}

async function show(actor: ActorAddress, { data, json }: CostsOptions): Promise<ExitCode> {
  const call = { timeoutMs: QUERY_TIMEOUT_MS };
  const costs = await withClient(data, (client) => client.costs(actor.type, actor.id, call));
  const lines = json ? [JSON.stringify(costs)] : describeCosts(formatAddress(actor), costs);
  process.stdout.write(`${lines.join('\n')}\n`);
  return EXIT.done;
}

const HEAD = ['agent', 'model', 'calls', 'input', 'cached', 'output', 'reasoning', 'usd'];
const NUMBERS = [2, 3, 4, 5, 6, 7];

export function describeCosts(name: string, costs: Costs): string[] {
  const { rows, total, wasted, estimated, saved, final } = costs;
  const end = final ? 'final' : 'not final: something of it may still run';
  if (rows.length === 0) return [`${name}: nothing was reported (${end})`];
  const parts: readonly (readonly [string, Amount])[] = [
    ['total', total],
    ['of it wasted', wasted],
    ['of it estimated', estimated],
    ...(saved.calls === 0 ? [] : [['saved', saved] as const]),
  ];
  const table = formatRows(
    [
      HEAD,
      ...rows.filter(isUsed).map((row) => [row.agent, row.model === '' ? '-' : row.model, ...cells(row)]),
      ...parts.map(([label, amount]) => [label, '', ...cells(amount)]),
    ],
    NUMBERS,
  );
  const unpriced = total.unpricedCalls;
  return [
    ...table,
    ...(unpriced === 0 ? [] : [`${unpriced} calls have no price: what they cost is not in the sums`]),
    end,
  ];
}

function cells(amount: Amount): string[] {
  const { calls, inputTokens, cachedInputTokens, outputTokens, reasoningTokens } = amount;
  const counts = [calls, inputTokens, cachedInputTokens, outputTokens, reasoningTokens].map(String);
  return [...counts, usdOf(amount)];
}

/** All six decimals, and a sign where calls without a price are left out. */
function usdOf({ microUsd, unpricedCalls, calls }: Amount): string {
  if (unpricedCalls > 0 && unpricedCalls >= calls && microUsd === 0) return 'unpriced';
  const [whole, part] = [Math.floor(microUsd / MICROS), microUsd % MICROS];
  return `${unpricedCalls > 0 ? '> ' : ''}${whole}.${String(part).padStart(6, '0')}`;
}
