// `quorate budgets`: what tenants may use in a day, looked at and changed; and more for a run whose budget is used up.
import { type Command, InvalidArgumentError } from 'commander';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import type { QuorateClient } from '../../contract/client.ts';
import type { DayBudgetStatus } from '../../contract/tenants.ts';
import { MICROS } from '../../contract/usage.ts';
import type { BudgetReport } from '../../contract/wire.ts';
import { documented, EXIT, type ExitCode, type Finish } from '../shared/exit.ts';
import { dataOption, toAddress, verboseOption } from '../shared/options.ts';
import { withClient } from '../shared/with-client.ts';
import { QUERY_TIMEOUT_MS } from './send-event.ts';

interface BudgetsOptions {
  readonly data?: string;
  readonly json?: true;
}

interface AmountOptions extends BudgetsOptions {
  readonly usd?: number;
  readonly tokens?: number;
}

const CALL = { timeoutMs: QUERY_TIMEOUT_MS };

export function addBudgetsCommand(program: Command, finish: Finish): void {
  const budgets = program
    .command('budgets')
    .description('What tenants may use in a day: show, change; more for one run.');
  documented(budgets, { exits: ['done', 'usage'], example: 'quorate budgets --help' });
  const add = (name: string, description: string, example: string): Command =>
    documented(
      budgets
        .command(name)
        .description(description)
        .addOption(dataOption())
        .option('--json', 'as JSON (default: off)')
        .addOption(verboseOption()),
      { exits: ['done', 'failed', 'usage'], example: `quorate budgets ${example}` },
    );
  add('show', 'Show how the day of a tenant is.', 'show acme')
    .argument('<tenant>', 'one of `budgets`')
    .action(async (tenant: string, options: BudgetsOptions) =>
      finish(await say(options, tenant, (client) => client.budgets.get(tenant, CALL))),
    );
  add('set', 'Change what a tenant may use in a day, from now on.', 'set acme --usd 80')
    .argument('<tenant>', 'one of `budgets`')
    .option('--usd <amount>', 'USD a day (default: as it is)', toAmount)
    .option('--tokens <count>', 'tokens a day (default: as it is)', toAmount)
    .action(async (tenant: string, { usd, tokens, ...options }: AmountOptions) => {
      const change = {
        ...(usd === undefined ? {} : { usdPerDay: usd }),
        ...(tokens === undefined ? {} : { tokensPerDay: tokens }),
      };
      finish(await say(options, tenant, (client) => client.budgets.set(tenant, change, CALL)));
    });
  add('top-up', 'Give a run more than it was started with.', 'top-up review/r1 --usd 2')
    .argument('<actor>', 'type/id', toAddress)
    .option('--usd <amount>', 'USD more (default: none)', toAmount)
    .option('--tokens <count>', 'tokens more (default: none)', toAmount)
    .option('--by <name>', 'who does it, for the log (default: nobody)')
    .action(async (actor: ActorAddress, options: AmountOptions & { by?: string }) =>
      finish(await topUp(actor, options)),
    );
}

async function say(
  { data, json }: BudgetsOptions,
  tenant: string,
  act: (client: QuorateClient) => Promise<DayBudgetStatus>,
): Promise<ExitCode> {
  const status = await withClient(data, act);
  console.log(json ? JSON.stringify({ [tenant]: status }) : describeDay(tenant, status));
  return EXIT.done;
}

export function describeDay(tenant: string, status: DayBudgetStatus): string {
  const { usdPerDay, tokensPerDay, day, drawnUsd, drawnTokens, waiting, revision } = status;
  const parts = [
    ...(usdPerDay === undefined ? [] : [`${drawnUsd} of ${usdPerDay} USD`]),
    ...(tokensPerDay === undefined ? [] : [`${drawnTokens} of ${tokensPerDay} tokens`]),
  ];
  const waits = waiting === 0 ? '' : `, ${waiting} ${waiting === 1 ? 'run waits' : 'runs wait'} for more`;
  return `${tenant}: ${parts.join(' and ')} drawn on ${day}${waits} (revision ${revision})`;
}

function inUsd(microUsd: number | undefined): number | undefined {
  return microUsd === undefined ? undefined : microUsd / MICROS;
}

/** Of a run: what is used and reserved of what it may use, and whether anything waits. */
export function describeRun(name: string, { limit, spent, reserved, waiting }: BudgetReport): string {
  const part = (unit: string, of: number | undefined, used: number, held: number): string[] =>
    of === undefined ? [] : [`${used} of ${of} ${unit} used${held === 0 ? '' : ` and ${held} reserved`}`];
  const parts = [
    ...part('USD', inUsd(limit.microUsd), spent.microUsd / MICROS, reserved.microUsd / MICROS),
    ...part('tokens', limit.tokens, spent.tokens, reserved.tokens),
  ];
  const waits = waiting === 0 ? '' : `; ${waiting} ${waiting === 1 ? 'task waits' : 'tasks wait'} for room`;
  return `${name}: ${parts.join(', ')}${waits}`;
}

async function topUp(
  actor: ActorAddress,
  { data, json, usd, tokens, by }: AmountOptions & { readonly by?: string },
): Promise<ExitCode> {
  const more = {
    ...(usd === undefined ? {} : { usd }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(by === undefined ? {} : { by }),
  };
  const report = await withClient(data, (client) => client.topUp(actor.type, actor.id, { ...more, ...CALL }));
  console.log(json ? JSON.stringify(report) : describeRun(formatAddress(actor), report));
  return EXIT.done;
}

function toAmount(text: string): number {
  const amount = Number(text);
  if (text.trim() === '' || !(amount >= 0)) throw new InvalidArgumentError('A number from 0 on.');
  return amount;
}
