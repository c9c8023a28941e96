// `quorate actors start`: a run begun by hand, with all that may be said of one at its start: on whose behalf, how urgent, what it may
// use, and what bounds it.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import type { QuorateClient, StartOptions } from '../../contract/client.ts';
import { PRIORITIES, type Priority } from '../../contract/control.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { EXIT, type ExitCode } from '../shared/exit.ts';
import { toAddress, wholeNumber } from '../shared/options.ts';
import { withClient } from '../shared/with-client.ts';

/** Long enough for a host that is busy; one that is not there says nothing. */
const START_TIMEOUT_MS = 30_000;

export interface StartActorOptions {
  readonly data?: string;
  readonly json?: true;
  readonly tenant?: string;
  readonly priority?: Priority;
  readonly usd?: number;
  readonly tokens?: number;
  readonly onExhausted?: 'wait' | 'fail';
  readonly deadline?: number;
  readonly maxDepth?: number;
  readonly maxTasks?: number;
  readonly stalledAfter?: number;
}

type Started = Awaited<ReturnType<QuorateClient['start']>>['answer'];

/** Arguments and options; the action is the caller's. */
export function withStartOptions(command: Command): Command {
  return command
    .argument('<actor>', 'type/id', toAddress)
    .argument('[input]', 'JSON', toJson)
    .option('--tenant <name>', 'on whose behalf it runs (default: nobody)')
    .addOption(
      new Option('--priority <name>', 'in lanes, within its tenant (default: normal)').choices(PRIORITIES),
    )
    .option('--usd <amount>', 'its budget in USD, with all that it starts (default: none)', toAmount)
    .option('--tokens <count>', 'its budget in tokens (default: none)', wholeNumber(0))
    .addOption(
      new Option('--on-exhausted <what>', 'once the budget is used up (default: wait)').choices([
        'wait',
        'fail',
      ]),
    )
    .option('--deadline <seconds>', 'it ends in error then (default: none)', toAmount)
    .option('--max-depth <levels>', 'of child actors below it (default: any)', wholeNumber(0))
    .option('--max-tasks <count>', 'of it and its children together (default: any)', wholeNumber(0))
    .option('--stalled-after <seconds>', 'it may wait so long for nothing (default: any)', toAmount);
}

export async function startActor(
  actor: ActorAddress,
  input: Json | undefined,
  { data, json, ...options }: StartActorOptions,
): Promise<ExitCode> {
  const given = toStart(actor.id, input, options);
  const answer = await withClient(data, async (client) => {
    const { answer: came } = await client.start(actor.type, given as never);
    return came;
  });
  const name = formatAddress(actor);
  process.stdout.write(`${json ? JSON.stringify({ actor: name, answer }) : describeStart(name, answer)}\n`);
  return EXIT.done;
}

/** Throws USAGE for what would be passed by without a word. */
export function toStart(
  id: string,
  input: Json | undefined,
  options: Omit<StartActorOptions, 'data' | 'json'>,
): StartOptions<Json> {
  const { tenant, priority, usd, tokens, onExhausted, deadline, maxDepth, maxTasks, stalledAfter } = options;
  const hasBudget = usd !== undefined || tokens !== undefined;
  if (!hasBudget && onExhausted !== undefined)
    throw new QuorateError('USAGE', '--on-exhausted is about a budget: give --usd or --tokens as well');
  return {
    id,
    timeoutMs: START_TIMEOUT_MS,
    ...(input === undefined ? {} : { input }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(priority === undefined ? {} : { priority }),
    ...(hasBudget
      ? {
          budget: {
            ...(usd === undefined ? {} : { usd }),
            ...(tokens === undefined ? {} : { tokens }),
            ...(onExhausted === undefined ? {} : { onExhausted }),
          },
        }
      : {}),
    ...(deadline === undefined ? {} : { deadlineMs: toMs(deadline) }),
    ...(maxDepth === undefined ? {} : { maxDepth }),
    ...(maxTasks === undefined ? {} : { maxTasks }),
    ...(stalledAfter === undefined ? {} : { noProgressMs: toMs(stalledAfter) }),
  };
}

function describeStart(name: string, answer: Started): string {
  return answer === 'started' ? `${name} started` : `${name} is there already: nothing was changed`;
}

function toMs(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1_000));
}

function toJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new InvalidArgumentError('An input is JSON.');
  }
}

function toAmount(text: string): number {
  const amount = Number(text);
  if (text.trim() === '' || !(amount > 0 && Number.isFinite(amount)))
    throw new InvalidArgumentError('A number above 0.');
  return amount;
}
