// The record of a commit, for the index of consoles: how the actor is now, and what it did. Pure. What could be long is cut: a record
// is for lists and timelines, and a query has the rest.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import type { Effect } from '../../../contract/effect.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type {
  ActorRecord,
  GoneRecord,
  RecordedCosts,
  RecordedExecution,
  RecordedStep,
} from '../../../contract/records.ts';
import type { CoreState, Execution, Timer, TurnResult } from '../../../contract/turn.ts';
import { sumAmounts } from '../../../contract/usage.ts';
import { parseTraceparent } from '../../../observability/telemetry.ts';
import { behalfOf } from '../../protocol/behalf.ts';
import { type ControlState, countUnsent, isSilent, type SessionState } from '../state/session-state.ts';

/** Of a text. */
const MOST_TEXT = 500;
/** Of a state value as JSON. */
const MOST_VALUE = 2_000;
export const MOST_STEPS = 32;
const MOST_EXECUTIONS = 32;
const MOST_EFFECTS = 8;
const MOST_TAGS = 16;

export interface Committed {
  readonly actor: ActorAddress;
  /** The core before; null for one that was just born. */
  readonly before: CoreState | null;
  /** As committed, with its revision. */
  readonly state: SessionState;
  /** Of the turns that led to it; absent where none ran. */
  readonly turns?: Pick<TurnResult, 'steps' | 'effects'> | undefined;
  readonly stateBytes?: number | undefined;
  /** The process. */
  readonly host: string;
  readonly now: number;
}

/** Told of each commit of actors of a process. */
export interface RecordSink {
  committed(committed: Omit<Committed, 'host' | 'now'>): void;
  /** Of an actor that is forgotten, its last state. */
  gone(actor: ActorAddress, last: SessionState): void;
}

/** Undefined for an actor that is not there: only attempts to start it are counted. */
export function recordOf({
  actor,
  before,
  state,
  turns,
  stateBytes,
  host,
  now,
}: Committed): ActorRecord | undefined {
  const { core, control, quarantine, traceparent } = state;
  if (core === null) return undefined;
  const { value = null } = core.snapshot as { readonly value?: Json };
  const all = stepsOf(turns);
  const steps = all.slice(-MOST_STEPS);
  const executions = Object.entries(core.executions);
  const traceId = parseTraceparent(traceparent)?.traceId;
  const { costs, budget } = control ?? {};
  const unsent = countUnsent(control?.unsent);
  return {
    kind: 'actor',
    ...actor,
    life: state.born ?? 0,
    revision: state.revision ?? 0,
    incarnation: core.incarnation,
    turn: core.turn,
    prevTurn: before?.incarnation === core.incarnation ? before.turn : 0,
    at: now,
    status: core.status,
    value: shortValue(value),
    tags: core.tags.slice(0, MOST_TAGS).map(short),
    startedAt: core.startedAt,
    ...(core.endedAt === undefined ? {} : { endedAt: core.endedAt }),
    version: state.version,
    host,
    steps,
    ...(all.length > steps.length ? { moreSteps: all.length - steps.length } : {}),
    executions: executions.slice(0, MOST_EXECUTIONS).map(([id, execution]) => executionOf(id, execution)),
    ...(executions.length > MOST_EXECUTIONS ? { moreExecutions: executions.length - MOST_EXECUTIONS } : {}),
    ...nextTimer(core.timers),
    ...(quarantine === undefined || isSilent(quarantine)
      ? {}
      : {
          quarantine: {
            code: quarantine.code,
            message: short(quarantine.message),
            since: quarantine.since,
          },
        }),
    ...(core.error === undefined ? {} : { error: shortError(core.error) }),
    ...(core.parent === undefined ? {} : { parent: formatAddress(core.parent.address) }),
    ...behalfOf(control ?? {}),
    ...(traceId === undefined ? {} : { traceId }),
    ...(stateBytes === undefined ? {} : { stateBytes }),
    ...(costs === undefined ? {} : { costs: sumOf(costs) }),
    ...openAsks(core),
    ...(unsent === 0 ? {} : { unsent }),
    ...(budget?.since === undefined ? {} : { exhaustedAt: budget.since }),
  };
}

export function goneRecord(
  actor: ActorAddress,
  { born = 0, revision = 0 }: SessionState,
  now: number,
): GoneRecord {
  return { kind: 'gone', ...actor, life: born, revision: revision + 1, at: now };
}

function stepsOf(turns: Committed['turns']): RecordedStep[] {
  if (turns === undefined) return [];
  const { steps, effects } = turns;
  const asked = new Map<number, string[]>();
  for (const { turn, effect } of effects) {
    const said = describe(effect);
    if (said === undefined) continue;
    const others = asked.get(turn);
    if (others === undefined) asked.set(turn, [said]);
    else if (others.length < MOST_EFFECTS) others.push(said);
  }
  return steps.map(({ turn, event, value }, at) => {
    // Of the last step of a turn: what a turn asks for leaves with all of it.
    const isLast = steps[at + 1]?.turn !== turn;
    const said = isLast ? asked.get(turn) : undefined;
    const step = { turn, event: short(event.type), to: shortValue(value) };
    return said === undefined ? step : { ...step, effects: said };
  });
}

/** In a few words; undefined for what only the runtime needs. */
function describe(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'task':
      return short(`task ${effect.agent}`);
    case 'scatter':
      return short(`scatter ${effect.total} to ${effect.plan.agents.join(', ')}`);
    case 'startChild':
      return short(`start ${formatAddress(effect.address)}`);
    case 'stopChild':
      return short(`stop ${formatAddress(effect.address)}`);
    case 'send':
      return short(`send ${formatAddress(effect.to)} ${effect.event.type}`);
    case 'emit':
      return short(`emit ${effect.event.type}`);
    case 'action':
      return short(`action ${effect.name}`);
    case 'reply':
      return `reply ${effect.outcome.status}`;
    case 'log':
    case 'timer':
    case 'cancelTimer':
    case 'snapshot':
      return undefined;
  }
}

function executionOf(id: string, execution: Execution): RecordedExecution {
  const { childId, src, startedAt, deadlineAt } = execution;
  const common = {
    id,
    childId: short(childId),
    src: short(src),
    startedAt,
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
  };
  switch (execution.kind) {
    case 'task':
      return { ...common, kind: 'task', agent: execution.agent };
    case 'child':
      return { ...common, kind: 'child', child: formatAddress(execution.address) };
    case 'scatter': {
      const { total, ok, failed, agents } = execution.gather;
      return { ...common, kind: 'scatter', agent: short(agents.join(', ')), total, ok, failed };
    }
  }
}

/** Those that the machine itself has set: what it waits for. */
function nextTimer(timers: Readonly<Record<string, Timer>>): { readonly nextTimerAt?: number } {
  let nextTimerAt = Number.POSITIVE_INFINITY;
  for (const { dueAt, what } of Object.values(timers))
    if (what.kind === 'raise' || what.kind === 'send') nextTimerAt = Math.min(nextTimerAt, dueAt);
  return nextTimerAt === Number.POSITIVE_INFINITY ? {} : { nextTimerAt };
}

function openAsks({ asks }: CoreState): { readonly asks?: number } {
  const open = Object.keys(asks?.open ?? {}).length;
  return open === 0 ? {} : { asks: open };
}

function sumOf({ rows }: NonNullable<ControlState['costs']>): RecordedCosts {
  const { inputTokens, outputTokens, microUsd, calls } = sumAmounts(rows);
  return { inputTokens, outputTokens, microUsd, calls };
}

function shortError({ code, message }: ErrorJson): ErrorJson {
  return { code: short(code), message: short(message) };
}

function short(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT - 1).toWellFormed()}…`;
}

/** A value that is too large is told by its outermost states. */
function shortValue(value: Json): Json {
  if (typeof value === 'string') return short(value);
  if (JSON.stringify(value).length <= MOST_VALUE) return value;
  return short(Object.keys(value as object).join(', '));
}
