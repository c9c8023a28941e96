// Effects of a turn that is not carried out, as people read them: of each kind and for each target how many, and how large.
import { formatAddress } from '../../../contract/address.ts';
import type { Effect } from '../../../contract/effect.ts';
import { actorOf } from '../../../contract/entities.ts';
import type { ForeseenEffect } from '../../../contract/foresight.ts';
import type { Json } from '../../../contract/json.ts';
import { isPayloadRef } from '../../../contract/payload.ts';
import type { TurnResult } from '../../../contract/turn.ts';
import { jsonBytes } from '../../protocol/claims.ts';

/** Targets that are named; what is for others is counted by its kind alone. */
const MOST_TARGETS = 20;

interface Counted {
  readonly kind: string;
  readonly to?: string | undefined;
  readonly count: number;
  readonly bytes: number;
}

/** In the order in which they would leave. */
export function effectsOf(effects: TurnResult['effects']): ForeseenEffect[] {
  const rows = new Map<string, Counted>();
  for (const one of effects.flatMap(({ effect }) => counted(effect))) {
    const name = `${one.kind} ${one.to ?? ''}`;
    const isNamed = rows.has(name) || rows.size < MOST_TARGETS;
    const key = isNamed ? name : one.kind;
    const row = rows.get(key) ?? { kind: one.kind, to: isNamed ? one.to : undefined, count: 0, bytes: 0 };
    rows.set(key, { ...row, count: row.count + one.count, bytes: row.bytes + one.bytes });
  }
  return [...rows.values()].map(({ to, ...row }) => (to === undefined ? row : { ...row, to }));
}

/** Whether an answer comes back of it that nobody knows yet: an agent's, or a child's. */
export function asksSomebody(effects: TurnResult['effects']): string | undefined {
  for (const { effect } of effects) {
    if (effect.kind === 'task') return `agent ${effect.agent}`;
    if (effect.kind === 'scatter') return `agents ${effect.plan.agents.join(', ')}`;
    if (effect.kind === 'startChild') return `its child ${formatAddress(effect.address)}`;
  }
  return undefined;
}

function counted(effect: Effect): Counted[] {
  const one = (kind: string, to: string | undefined, carried: Json | undefined): Counted[] => [
    { kind, to, count: 1, bytes: carried === undefined ? 0 : jsonBytes(carried) },
  ];
  switch (effect.kind) {
    case 'task':
      return one('task', effect.agent, effect.input);
    case 'scatter': {
      const { agents, items, shared } = effect.plan;
      const of = isPayloadRef(items) ? items.bytes : jsonBytes([...items]);
      const bytes = of + (shared === undefined ? 0 : jsonBytes(shared) * effect.total);
      return [{ kind: 'task', to: agents.join(', '), count: effect.total, bytes }];
    }
    case 'startChild':
      return one('start', formatAddress(effect.address), effect.input);
    case 'stopChild':
      return one('stop', formatAddress(effect.address), undefined);
    case 'send':
      return one('event', formatAddress(effect.to), effect.event);
    case 'timer':
      return one('timer', undefined, undefined);
    case 'cancelTimer':
      return one('cancelled timer', undefined, undefined);
    case 'snapshot':
      return one('snapshot', actorOf(effect.to.entity, effect.to.sessionId), effect.snapshot);
    case 'reply':
      return one(
        'reply',
        actorOf(effect.to.entity, effect.to.sessionId) ?? 'a client',
        effect.outcome as unknown as Json,
      );
    case 'emit':
      return one('emit', effect.event.type, effect.event);
    case 'log':
      return one('log', undefined, effect.value);
    case 'action':
      return one('action', effect.name, effect.params);
  }
}
