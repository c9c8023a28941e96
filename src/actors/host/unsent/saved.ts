// What was not spent because its asker let go of it before it left: as the agents estimate it. Of items that lie in the payload store
// only under a budget, which has reserved so much for each. Pure.
import type { Json } from '../../../contract/json.ts';
import { isPayloadRef } from '../../../contract/payload.ts';
import type { TurnResult } from '../../../contract/turn.ts';
import { addRows, type CostRow, NO_AMOUNT, savedRow } from '../../../contract/usage.ts';
import type { TaskBody } from '../../../contract/wire.ts';
import type { ScatterEntry, UnsentEntry } from '../state/session-state.ts';

/** What an attempt of this agent with this input would have used. Empty where nothing is estimated. */
export type SavedOf = (agent: string, input: Json, topic?: string) => readonly CostRow[];

type Branches = Pick<ScatterEntry, 'agents' | 'topic' | 'items' | 'shared' | 'total' | 'cursor' | 'each'>;

/** Of what is unsent for these executions. */
export function savedUnsent(
  unsent: readonly UnsentEntry[],
  closed: ReadonlySet<string>,
  savedOf: SavedOf,
): readonly CostRow[] {
  const rows = unsent.flatMap((work) => {
    if (!closed.has(work.execution)) return [];
    if (work.kind === 'scatter') return savedBranches(work, savedOf);
    const { agent, input } = work.message.body as unknown as TaskBody;
    return savedOf(agent, input);
  });
  return addRows([], rows);
}

/** Of what the turns of a batch asked for, and let go of again. */
export function savedEffects(
  effects: TurnResult['effects'],
  unborn: ReadonlySet<string>,
  savedOf: SavedOf,
): readonly CostRow[] {
  const rows = effects.flatMap(({ effect }) => {
    if (effect.kind === 'task' && unborn.has(effect.execution)) return savedOf(effect.agent, effect.input);
    if (effect.kind !== 'scatter' || !unborn.has(effect.execution)) return [];
    return savedBranches({ ...effect.plan, total: effect.total, cursor: 0 }, savedOf);
  });
  return addRows([], rows);
}

function savedBranches(work: Branches, savedOf: SavedOf): readonly CostRow[] {
  const { agents, topic, items, shared, total, cursor, each } = work;
  if (isPayloadRef(items)) return each === undefined ? [] : reservedFor(work, each);
  const rows: CostRow[] = [];
  for (let branch = cursor; branch < total; branch++) {
    const item = items[Math.floor(branch / agents.length)] ?? null;
    const input = { item, ...(shared === undefined ? {} : { shared }) };
    rows.push(...savedOf(agents[branch % agents.length] ?? '', input, topic));
  }
  return rows;
}

function reservedFor(
  { agents, total, cursor }: Branches,
  { microUsd, tokens }: NonNullable<Branches['each']>,
): readonly CostRow[] {
  const calls = total - cursor;
  if (calls <= 0 || (microUsd === 0 && tokens === 0)) return [];
  const saved = { ...NO_AMOUNT, calls, inputTokens: tokens * calls, microUsd: microUsd * calls };
  return [savedRow(agents.length === 1 ? (agents[0] ?? '') : '', '', saved)];
}
