// The fields of a scatter plan. By hand: a schema library takes 5 MB of each worker thread (docs/performance.md).
import type { Json } from '../../contract/json.ts';
import { isPayloadRef } from '../../contract/payload.ts';

interface Field {
  /** What it must be, for the message of an error. */
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
  items: {
    must: 'an array, or a payload reference with its `count`',
    fits: (value) => Array.isArray(value) || isReference(value),
  },
  shared: optional({ must: 'JSON', fits: () => true }),
  policy: { must: 'an object with a `kind`', fits: isRecord },
  collect: oneOf(['values', 'counts']),
  deadlineMs: optional(whole(1)),
  offerTtlMs: optional(whole(1)),
};

const POLICIES: Readonly<Record<string, Fields>> = {
  all: {},
  quorum: { count: whole(1) },
  deadline: { ms: whole(1), atLeast: optional(whole(0)) },
};

const KINDS = oneOf(Object.keys(POLICIES));

/** What is wrong with it and where; undefined for a plan that fits. */
export function misfitOf(plan: Json): string | undefined {
  if (!isRecord(plan)) return 'must be an object';
  const misfit = misfitIn(plan, PLAN);
  if (misfit !== undefined || !isRecord(plan['policy'])) return misfit;
  const { kind = null, ...rest } = plan['policy'];
  if (typeof kind !== 'string' || !Object.hasOwn(POLICIES, kind)) return `policy.kind: must be ${KINDS.must}`;
  return misfitIn(rest, POLICIES[kind] ?? {}, 'policy.');
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
