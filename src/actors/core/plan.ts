// The border to what a machine gives the scatter logic as input: checked once, when the scatter is committed. The fields are
// checked by hand: a schema library takes 5 MB of each worker thread (docs/laboratory/performance.md). What a policy means is
// machines/policies.ts.
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { isPayloadRef } from '../../contract/payload.ts';
import {
  checkNameOf,
  type NamedPolicy,
  type PolicyRecord,
  type ScatterPlan,
} from '../../contract/scatter.ts';
import type { Registry } from '../../contract/turn.ts';
import { countBranches } from '../../machines/gather.ts';
import { timeOf, unreachable } from '../../machines/policies.ts';
import { exportedCheck, type ModuleExports } from './gather.ts';
import { agentDeadline } from './logic.ts';
import { toOutside } from './to-json.ts';

/** Answers kept in the state itself; more belong in the payload store, with counts in the state. */
const MAX_COLLECTED_VALUES = 256;
/** 25 KB of bit set, 34 KB in base64: leaves most of the 256 KB of a session state to the machine. */
const MAX_BRANCHES = 200_000;

export interface CheckedPlan {
  readonly plan: ScatterPlan;
  readonly total: number;
  /** How long after its start the gather ends in any case. */
  readonly deadlineMs: number;
}

export function checkPlan(
  input: unknown,
  childId: string,
  registry: Registry,
  exports: ModuleExports,
): CheckedPlan {
  const invalid = (why: string): QuorateError =>
    new QuorateError('INPUT_INVALID', `input of scatter '${childId}': ${why}`);
  const json = toOutside(input, {
    of: `scatter '${childId}'`,
    path: 'input',
    code: 'INPUT_INVALID',
  });
  const misfit = misfitOf(json);
  if (misfit !== undefined) throw invalid(misfit);
  const plan = json as unknown as ScatterPlan;
  const total = countBranches(plan);
  if (total > MAX_BRANCHES) throw invalid(`${total} branches, at most ${MAX_BRANCHES}`);
  if (total > MAX_COLLECTED_VALUES && plan.collect === 'values') {
    throw invalid(
      `collect 'values' keeps at most ${MAX_COLLECTED_VALUES} answers, not ${total}; use 'counts'`,
    );
  }
  const hopeless = unreachable(plan.policy, total);
  if (hopeless !== undefined) throw invalid(hopeless);
  const valid = checkNameOf(plan.policy);
  if (valid !== undefined && exportedCheck(valid, exports) === undefined)
    throw invalid(`policy.valid: the module of the machine exports no function '${valid}'`);
  return { plan, total, deadlineMs: deadlineOf(plan, registry) };
}

function deadlineOf(plan: ScatterPlan, registry: Registry): number {
  const longest = agentsOf(plan, registry).map((agent) => {
    const deadlineMs = agentDeadline(registry, agent);
    if (deadlineMs === undefined) throw new QuorateError('AGENT_NOT_FOUND', `scatter names agent '${agent}'`);
    return deadlineMs;
  });
  // The agents' own deadlines do not cut short what the plan says.
  return timeOf(plan) ?? Math.max(...longest);
}

/** Those who do its branches: the agents themselves, or those of the subscriptions that they are. */
function agentsOf({ agents, topic }: ScatterPlan, { topics = {} }: Registry): readonly string[] {
  if (topic === undefined) return agents;
  const subscriptions = Object.hasOwn(topics, topic) ? topics[topic] : undefined;
  if (subscriptions === undefined)
    throw new QuorateError(
      'INPUT_INVALID',
      `scatter names topic '${topic}', and none of that name is configured`,
    );
  return agents.map((name, at) => {
    const agent = Object.hasOwn(subscriptions, name) ? subscriptions[name] : undefined;
    if (agent === undefined || agents.indexOf(name) !== at)
      throw new QuorateError(
        'INPUT_INVALID',
        `scatter names subscription '${name}' of topic '${topic}', ${agent === undefined ? 'and it has none of that name' : 'and names it twice'}`,
      );
    return agent;
  });
}

interface Field {
  /** What the value must be, for an error message. */
  readonly must: string;
  readonly fits: (value: Json) => boolean;
  readonly optional?: boolean;
}

type Fields = Readonly<Record<string, Field>>;

function whole(least: number): Field {
  return {
    must: `a whole number of at least ${least}`,
    fits: (value) => Number.isSafeInteger(value) && Number(value) >= least,
  };
}

function optional(field: Field): Field {
  return { ...field, optional: true };
}

function oneOf(names: readonly string[]): Field {
  return {
    must: names.map((name) => `'${name}'`).join(' or '),
    fits: (value) => typeof value === 'string' && names.includes(value),
  };
}

const PLAN: Fields = {
  agents: {
    must: 'names of agents, at least one',
    fits: (value) =>
      Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && one !== ''),
  },
  topic: optional({
    must: 'the name of a topic',
    fits: (value) => typeof value === 'string' && value !== '',
  }),
  items: {
    must: 'an array, or a payload reference with its `count`',
    fits: (value) => Array.isArray(value) || isReference(value),
  },
  shared: optional({ must: 'JSON', fits: () => true }),
  policy: { must: 'an object', fits: isRecord },
  collect: oneOf(['values', 'counts']),
  cancel: optional(oneOf(['ignore'])),
  deadlineMs: optional(whole(1)),
  offerTtlMs: optional(whole(1)),
};

const RECORD = {
  answered: optional(whole(1)),
  good: optional(whole(1)),
  afterMs: optional(whole(1)),
  spent: optional({
    must: 'an object with `usd` above 0, `tokens` of at least 1, or both',
    fits: isAmount,
  }),
  valid: optional({
    must: 'the name of an export, or `{ by, count }` with that name and a whole number of at least 1',
    fits: (value) => isExportName(value) || isValidCount(value),
  }),
  atLeast: optional(whole(0)),
} satisfies Readonly<Record<Exclude<keyof PolicyRecord, 'kind'>, Field>>;

/** Of former builds. */
const POLICIES: Readonly<Record<string, Fields>> = {
  all: {},
  quorum: { count: whole(1) },
  deadline: { ms: whole(1), atLeast: optional(whole(0)) },
} satisfies Readonly<Record<NamedPolicy['kind'], Fields>>;

const KINDS = oneOf(Object.keys(POLICIES));

/** What is wrong with it and where; undefined for a plan that fits. */
export function misfitOf(plan: Json): string | undefined {
  if (!isRecord(plan)) return 'must be an object';
  const misfit = misfitIn(plan, PLAN);
  if (misfit !== undefined || !isRecord(plan['policy'])) return misfit;
  const { kind, ...rest } = plan['policy'];
  if (kind === undefined) return misfitIn(rest, RECORD, 'policy.');
  if (typeof kind !== 'string' || !Object.hasOwn(POLICIES, kind)) return `policy.kind: must be ${KINDS.must}`;
  return misfitIn(rest, POLICIES[kind] ?? {}, 'policy.');
}

function isAmount(value: Json): boolean {
  if (!isRecord(value)) return false;
  const { usd, tokens, ...more } = value;
  return (
    Object.keys(more).length === 0 &&
    (usd ?? tokens) !== undefined &&
    (usd === undefined || (typeof usd === 'number' && usd > 0)) &&
    (tokens === undefined || whole(1).fits(tokens))
  );
}

function isExportName(value: Json | undefined): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 128;
}

function isValidCount(value: Json): boolean {
  if (!isRecord(value)) return false;
  const { by, count, ...more } = value;
  return Object.keys(more).length === 0 && isExportName(by) && whole(1).fits(count ?? null);
}

function isReference(value: Json): boolean {
  return isPayloadRef(value) && Number.isFinite(value.bytes) && whole(0).fits(value.count ?? null);
}

function misfitIn(record: Readonly<Record<string, Json>>, fields: Fields, path = ''): string | undefined {
  const unknown = Object.keys(record).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) return `${path}${unknown}: there is no such field`;
  const misfit = Object.entries(fields).find(([name, field]) => {
    const value = record[name];
    return value === undefined ? field.optional !== true : !field.fits(value);
  });
  return misfit === undefined ? undefined : `${path}${misfit[0]}: must be ${misfit[1].must}`;
}

function isRecord(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
