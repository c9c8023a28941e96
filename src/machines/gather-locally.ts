// A gather in one process, by the rules of the durable one: the same plan and answers give the same output. Time is the
// clock of the actor system, so that tests advance it. Offers do not lapse here: their time to live is the broker's.
import { QuorateError, toErrorJson } from '../contract/errors.ts';
import { copyJson, type Json } from '../contract/json.ts';
import type { Outcome } from '../contract/outcome.ts';
import { isPayloadRef } from '../contract/payload.ts';
import type { BranchError, BranchValue, GatherOutput, ScatterPlan } from '../contract/scatter.ts';
import { MAX_GATHER_ERRORS } from '../contract/scatter.ts';

/** Agent name -> its implementation, given `{ item, shared }`. */
export type LocalAgents = Readonly<Record<string, (task: never) => unknown>>;

/** A timer that is to ring later rings at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Clock {
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
}

export async function gatherLocally(
  plan: ScatterPlan,
  agents: LocalAgents,
  clock: Clock,
): Promise<GatherOutput> {
  const branches = toBranches(plan, agents);
  const { promise, resolve, reject } = Promise.withResolvers<GatherOutput>();
  const tally = new Tally(plan, branches.length);
  const settle = (decision: Decision): void => {
    if (decision === 'failed') reject(tally.failure());
    else if (decision !== 'open') resolve(tally.output(decision));
  };
  const ms = deadlineOf(plan);
  const timer =
    ms === undefined || ms > LONGEST_TIMER_MS
      ? undefined
      : clock.setTimeout(() => settle(tally.atDeadline()), ms);
  branches.forEach((branch, index) => {
    void run(branch).then((outcome) => settle(tally.accept(index, branch.agent, outcome)));
  });
  if (branches.length === 0) resolve(tally.output('all'));
  return promise.finally(() => clock.clearTimeout(timer));
}

interface Branch {
  readonly agent: string;
  readonly ask: () => unknown;
}

/** Branch index = item index * agents.length + agent index. */
function toBranches({ items, agents: names, shared, policy }: ScatterPlan, agents: LocalAgents): Branch[] {
  if (isPayloadRef(items)) throw invalid('items by reference can be read in Quorate only');
  const branches = items.flatMap((item) =>
    names.map((agent): Branch => {
      const implementation = Object.hasOwn(agents, agent) ? agents[agent] : undefined;
      if (implementation === undefined)
        throw new QuorateError('AGENT_NOT_FOUND', `scatter names agent '${agent}'`);
      const task = shared === undefined ? { item } : { item, shared };
      // A branch that changes what it is given changes nothing for the others: in Quorate each has its own message.
      return { agent, ask: () => implementation(copyJson(task) as never) };
    }),
  );
  const needed =
    policy.kind === 'quorum' ? policy.count : policy.kind === 'deadline' ? (policy.atLeast ?? 1) : 0;
  if (branches.length > 0 && needed > branches.length)
    throw invalid(`${needed} good answers of ${branches.length} branches`);
  return branches;
}

function invalid(why: string): QuorateError {
  return new QuorateError('INPUT_INVALID', `input of scatter: ${why}`);
}

async function run({ ask }: Branch): Promise<Outcome> {
  try {
    return { status: 'done', output: ((await ask()) ?? null) as Json };
  } catch (thrown) {
    return { status: 'error', error: toErrorJson(thrown, 'TASK_FAILED') };
  }
}

function deadlineOf({ policy, deadlineMs }: ScatterPlan): number | undefined {
  if (policy.kind !== 'deadline') return deadlineMs;
  return deadlineMs === undefined ? policy.ms : Math.min(policy.ms, deadlineMs);
}

type Decision = 'open' | 'failed' | GatherOutput['outcome'];

class Tally {
  readonly #plan: ScatterPlan;
  readonly #total: number;
  readonly #values: BranchValue[] = [];
  readonly #errors: BranchError[] = [];
  readonly #counts: Record<string, number> = {};
  #ok = 0;
  #failed = 0;

  constructor(plan: ScatterPlan, total: number) {
    this.#plan = plan;
    this.#total = total;
  }

  accept(index: number, agent: string, outcome: Outcome): Decision {
    if (outcome.status === 'done') {
      this.#ok += 1;
      this.#add(outcome.output);
      if (this.#plan.collect === 'values') this.#values.push({ index, agent, value: outcome.output });
    } else {
      this.#failed += 1;
      if (this.#errors.length < MAX_GATHER_ERRORS) this.#errors.push({ index, agent, error: outcome.error });
    }
    return this.#decide();
  }

  atDeadline(): Decision {
    const { policy } = this.#plan;
    return policy.kind === 'deadline' && this.#ok >= (policy.atLeast ?? 1) ? 'deadline' : 'failed';
  }

  output(outcome: GatherOutput['outcome']): GatherOutput {
    const [total, ok, failed] = [this.#total, this.#ok, this.#failed];
    const values = this.#values.toSorted((a, b) => a.index - b.index);
    const counts = { ...this.#counts };
    const errors = [...this.#errors];
    return {
      outcome,
      total,
      ok,
      failed,
      missing: total - ok - failed,
      duplicates: 0,
      counts,
      values,
      errors,
    };
  }

  failure(): QuorateError {
    const { total, ok, failed, missing, errors } = this.output('deadline');
    const message = `${ok} of ${total} branches answered well, ${failed} failed, ${missing} are missing`;
    const data = { total, ok, failed, missing, errors: errors as unknown as Json };
    return new QuorateError('GATHER_FAILED', message, { data });
  }

  #decide(): Decision {
    const { policy } = this.#plan;
    const complete = this.#ok + this.#failed === this.#total;
    if (policy.kind === 'quorum') {
      if (this.#ok >= policy.count) return 'quorum';
      return this.#total - this.#failed < policy.count ? 'failed' : 'open';
    }
    if (!complete) return 'open';
    return policy.kind === 'all' || this.#ok >= (policy.atLeast ?? 1) ? 'all' : 'failed';
  }

  #add(output: Json): void {
    const counts = typeof output === 'object' && output !== null && 'counts' in output ? output.counts : null;
    if (typeof counts !== 'object' || counts === null) return;
    for (const [key, value] of Object.entries(counts)) {
      if (typeof value === 'number') this.#counts[key] = (this.#counts[key] ?? 0) + value;
    }
  }
}
