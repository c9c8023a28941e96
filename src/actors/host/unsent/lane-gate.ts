// The gate of agents with a lane: what waits for such an agent stays here until the agent's lane, an actor that all processes share, has
// granted it (control/lane). The actor says how many tasks it has when that changes, and again where it has waited long; numbers are
// counted over its whole life, so neither a repeat nor a crash grants anything twice.
import { formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import type { EventJson } from '../../../contract/json.ts';
import { readLaneGrant, type Want } from '../../../control/lane/protocol.ts';
import { toControl } from '../../protocol/control.ts';
import { hashId, inLife } from '../../protocol/ids.ts';
import type { ControlState, LaneAsking, OutboxEntry, UnsentEntry } from '../state/session-state.ts';
import { agentsOf, type Gate, type GateContext } from './gates.ts';
import { moreToken, ownTimer } from './own-timer.ts';

/** An agent with a lane, as its asker's process is configured. */
export interface LaneSettings {
  /** By tenant; 1 for others. */
  readonly weights: Readonly<Record<string, number>>;
  /** Tasks that a process runs at once. */
  readonly concurrency: number;
}

const LANE = 'lane:';
const NOTHING: LaneAsking = { seq: 0, askedAt: 0, left: 0, granted: 0, demand: 0, since: 0, from: 0 };
/** A lane answers at once; one whose state is lost, or that has too many askers, is asked again. */
const AGAIN_MS = 60_000;

export function createLaneGate(lanes: Readonly<Record<string, LaneSettings>>): Gate {
  const hasLane = (agent: string): boolean => Object.hasOwn(lanes, agent);
  return {
    ordersOnly: true,
    holds: (_, agents) => agents.some(hasLane),
    grants: ({ lanes: asked = {} }, work, most) => {
      const used: Record<string, number> = {};
      for (let count = 0; count < most; count++) {
        const agent = agentAt(work, count);
        if (!hasLane(agent)) continue;
        const { granted, left } = asked[agent] ?? NOTHING;
        used[agent] = (used[agent] ?? 0) + 1;
        if ((used[agent] ?? 0) > granted - left) return count;
      }
      return most;
    },
    taken: (control, work, count) => {
      const asked = { ...control.lanes };
      for (const agent of new Set(work.agents.filter(hasLane))) {
        const asking = asked[agent] ?? NOTHING;
        asked[agent] = { ...asking, left: asking.left + countOf(work, agent, count) };
      }
      return { ...control, lanes: asked };
    },
    asks: (control, unsent, context) => {
      let asked = control;
      const entries: OutboxEntry[] = [];
      for (const [agent, settings] of Object.entries(lanes)) {
        // What there is no money for holds no place in the queue.
        const waiting = unsent.reduce((sum, work) => sum + countOf(work, agent, context.others(work)), 0);
        const before = control.lanes?.[agent];
        const asking = askingOf(before, waiting, context.now);
        if (asking === undefined) continue;
        asked = { ...asked, lanes: { ...asked.lanes, [agent]: asking } };
        entries.push(...toLane(agent, settings, asking, control, context));
      }
      return { control: asked, entries };
    },
    granted: (control, { execution, value }) => {
      const agent = execution.startsWith(LANE) ? execution.slice(LANE.length) : '';
      const grant = readLaneGrant(value);
      const asking = control.lanes?.[agent];
      if (!hasLane(agent) || grant === undefined || asking === undefined) return undefined;
      const isOld = grant.seq < asking.from;
      const granted = isOld
        ? asking.granted
        : Math.max(asking.granted, Math.min(grant.granted, asking.demand));
      return { ...control, lanes: { ...control.lanes, [agent]: { ...asking, granted } } };
    },
  };
}

function agentAt({ agents, cursor }: UnsentEntry, count: number): string {
  return agents[(cursor + count) % agents.length] ?? '';
}

/** Of the next `count` tasks. */
function countOf(work: UnsentEntry, agent: string, count: number): number {
  const agents = agentsOf(work);
  if (!agents.includes(agent)) return 0;
  const rounds = Math.floor(count / agents.length);
  let of = rounds * agents.filter((one) => one === agent).length;
  for (let at = rounds * agents.length; at < count; at++) if (agentAt(work, at) === agent) of += 1;
  return of;
}

/** Undefined where there is nothing to say. */
function askingOf(before: LaneAsking | undefined, waiting: number, now: number): LaneAsking | undefined {
  const asking = before ?? NOTHING;
  const demand = asking.left + waiting;
  const isWaiting = demand > asking.granted;
  const isOverdue = isWaiting && now - asking.askedAt >= AGAIN_MS;
  if (demand === asking.demand && !isOverdue) return undefined;
  const seq = asking.seq + 1;
  const givesBack = demand < asking.granted;
  return {
    ...asking,
    seq,
    askedAt: now,
    demand,
    granted: Math.min(asking.granted, demand),
    since: asking.demand > asking.granted ? asking.since : now,
    from: givesBack ? seq : asking.from,
  };
}

function toLane(
  agent: string,
  { weights, concurrency }: LaneSettings,
  { seq, demand, granted, since, left }: LaneAsking,
  { tenant = '', priority = 'normal' }: ControlState,
  { actor, incarnation, now }: GateContext,
): readonly OutboxEntry[] {
  const to = {
    entity: actorQueue(actor.type),
    sessionId: actor.id,
    correlationId: inLife(`${LANE}${agent}`, incarnation),
  };
  const weight = Object.hasOwn(weights, tenant) ? (weights[tenant] ?? 1) : 1;
  const want: Want = { type: 'want', to, seq, tenant, priority, demand, granted, since, weight, concurrency };
  const id = hashId('want', formatAddress(actor), incarnation, agent, seq);
  const message = toControl({ kind: 'lane', name: agent }, want as unknown as EventJson, id);
  if (demand === left) return [{ kind: 'message', message }];
  const again = ownTimer(actor, incarnation, moreToken(`${LANE}${agent}.${seq}`), now + AGAIN_MS);
  return [
    { kind: 'message', message },
    { kind: 'message', message: again },
  ];
}
