// Whether a task is to be run here and now, and with what. One that nobody waits for any more is dropped. One that comes
// again is answered with its stored result, and not paid twice. Then: whether hosts have died of it, whether its agent is paused, who
// does it, what it is about.
import type { AgentConfig } from '../../../contract/config.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../../contract/outcome.ts';
import type { Clock } from '../../../contract/ports.ts';
import { type InboundMessage, PROPERTY, type TaskBody } from '../../../contract/wire.ts';
import { familyOf, isUnreadable, openClaims, storedResult } from '../../protocol/claims.ts';
import { estimateOf, tokensOfFirst } from '../../protocol/estimates.ts';
import { MAX_UNFINISHED } from '../../protocol/retries.ts';
import { defaultTokens, limitOpen, TaskPermits } from '../limit/task-limit.ts';
import type { TaskClaim } from './claim.ts';
import type { Admitted, Next, Runnable, Task, TaskHost } from './task.ts';

/** Throws what a storage threw that does not answer: the task is left to its lock. `passed`: its limit has let it through, or put it off. */
export async function admit(task: Task, passed: () => void, host: TaskHost): Promise<Admitted | Next> {
  const { body, message, lost } = task;
  const { folder: family, refused } = await familyOf(message, host.payloads);
  if (refused !== undefined) host.onUnsigned(refused);
  const [stored, isCancelled] = await Promise.all([
    storedResult(host.results, family, body.key),
    host.cancellations.isCancelled(task.marks),
  ]);
  if (isCancelled) return CANCELLED;
  const known = answered(host, stored);
  if (known !== undefined) return known;
  // The asker's own deadline timer has told it so (I11).
  const deadlineAt = deadlineOf(task, host.clock);
  if (host.clock.now() >= deadlineAt) return { kind: 'drop' };
  // Nobody knows whether what it was to do was done (I7).
  const losses = lostOf(message);
  if (losses >= MAX_UNFINISHED)
    return giveUp('TASK_FAILED', `the host was gone each of ${losses} times before it was done`);
  const runnable = host.resolve(body);
  if (runnable === undefined) return giveUp('AGENT_NOT_FOUND', `no agent ${body.agent} here`);
  const first = host.orders?.heard();
  if (first !== undefined) await first;
  if (isHeld(host)) return paused(task, deadlineAt, host);
  const input = await inputOf(task, host);
  if (input.kind === 'unreadable') return { kind: 'giveUp', error: input.error };
  // While its input was fetched: somebody else may have begun it.
  if (lost.aborted) return { kind: 'lost' };
  const limited = await letThrough(runnable, input.value, body.agent, host);
  passed();
  if (limited.kind === 'closed') return { kind: 'giveUp', error: limited.error };
  if (limited.kind === 'later')
    return {
      kind: 'later',
      counted: 'limited',
      at: host.clock.now() + spread(limited.waitMs, host),
      deadlineAt,
    };
  const { permits } = limited;
  let claim: TaskClaim | undefined;
  let isBegun = false;
  try {
    if (lost.aborted) return { kind: 'lost' };
    const isAgain = message.deliveryCount > 0;
    const claimed = await host.claims?.take({ key: body.key, marks: task.marks, lost, deadlineAt, isAgain });
    if (claimed?.kind === 'elsewhere')
      return { kind: 'later', counted: 'elsewhere', at: claimed.at, deadlineAt };
    if (claimed?.kind === 'lost') return claimed;
    claim = claimed?.claim;
    const mayBeDone = claimed?.isRepeat === true || isAgain || task.waits > 0;
    const over = await overMeanwhile(task, host, claim !== undefined && mayBeDone ? family : undefined);
    if (over !== undefined) return over;
    // The last word before the call: it waited for its limit, and the claim took a while.
    if (isHeld(host)) return paused(task, deadlineAt, host);
    isBegun = true;
    return { kind: 'run', runnable, family, input: input.value, deadlineAt, claim, permits };
  } finally {
    if (!isBegun) {
      permits?.undo();
      await claim?.release();
    }
  }
}

type Through =
  | { readonly kind: 'through'; readonly permits: TaskPermits | undefined }
  | { readonly kind: 'later'; readonly waitMs: number }
  | { readonly kind: 'closed'; readonly error: ErrorJson };

/** Within a second, with the message in hand; nothing is claimed and nobody is kept from running meanwhile. */
async function letThrough(runnable: Runnable, input: Json, agent: string, host: TaskHost): Promise<Through> {
  const { limit, logger } = host;
  if (limit === undefined) return { kind: 'through', permits: undefined };
  const config: Partial<AgentConfig> = runnable.kind === 'agent' ? runnable.config : {};
  const estimate = estimateOf(config, input, agent, logger);
  const tokens = (estimate && tokensOfFirst(estimate)) ?? defaultTokens(input);
  const acquired = await limit.acquire(tokens);
  if (acquired.kind === 'closed')
    return { kind: 'closed', error: toErrorJson(limitOpen(limit.name, acquired.waitMs), 'LIMIT_OPEN') };
  return acquired.kind === 'later'
    ? acquired
    : { kind: 'through', permits: new TaskPermits(limit, acquired.permit) };
}

function isHeld({ orders, name }: TaskHost): boolean {
  return orders?.holds(name) === true;
}

/** Few come while their agent is paused, for none is fetched then; where time is virtual all do. */
function paused({ putOffs }: Task, deadlineAt: number, host: TaskHost): Next {
  const waitMs = Math.min(LONGEST_PAUSED_MS, PAUSED_MS * 2 ** Math.min(putOffs, 10));
  return { kind: 'later', counted: 'paused', at: host.clock.now() + spread(waitMs, host), deadlineAt };
}

const [PAUSED_MS, LONGEST_PAUSED_MS] = [500, 60_000];

/** What was put off together does not come back together. */
function spread(waitMs: number, { random }: TaskHost): number {
  return Math.ceil(waitMs + random() * Math.min(waitMs, MOST_SPREAD_MS));
}

const MOST_SPREAD_MS = 5_000;

/** Right before the call: nobody waits any more, or who ran it until now has stored an answer in this family. */
async function overMeanwhile(
  { body, marks }: Task,
  host: TaskHost,
  family: string | undefined,
): Promise<Next | undefined> {
  if (await host.cancellations.isCancelled(marks)) return CANCELLED;
  return family === undefined
    ? undefined
    : answered(host, await storedResult(host.results, family, body.key));
}

function answered({ counters }: TaskHost, stored: Json | undefined): Next | undefined {
  if (stored === undefined) return undefined;
  counters.answeredFromStore++;
  return { kind: 'answer', outcome: stored as unknown as Outcome, family: undefined };
}

/** How often its host was gone: under a budget each of these made a new message of it. */
export function lostOf({ deliveryCount, properties }: InboundMessage): number {
  const { [PROPERTY.lost]: before } = properties;
  return deliveryCount + (typeof before === 'number' && before > 0 ? before : 0);
}

const CANCELLED: Next = { kind: 'drop', counted: 'cancelled' };

function giveUp(code: string, message: string): Next {
  return { kind: 'giveUp', error: { code, message } };
}

/**
 * When nobody waits any more. What is left of its time to live is the broker's own reckoning: no clock of the asker's, nor of
 * this machine, has a say in it.
 */
function deadlineOf({ body, message }: Task, clock: Clock): number {
  const { timeToLiveMs, enqueuedAt, deliveredAt } = message;
  if (timeToLiveMs === undefined || deliveredAt === undefined) return body.deadlineAt;
  return clock.now() + timeToLiveMs - Math.max(0, deliveredAt - enqueuedAt);
}

type Input =
  | { readonly kind: 'value'; readonly value: Json }
  | { readonly kind: 'unreadable'; readonly error: ErrorJson };

async function inputOf({ body, message }: Task, { payloads }: TaskHost): Promise<Input> {
  try {
    const opened = await openClaims(message, payloads);
    return { kind: 'value', value: opened === message ? body.input : (opened.body as TaskBody).input };
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (!isUnreadable(error.code)) throw thrown;
    return { kind: 'unreadable', error };
  }
}
