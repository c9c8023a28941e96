// Makes the next session state from the result of turns (I2): what leaves, what is remembered, and how each message is
// settled. Pure but for hashing. commit-turns.ts commits it and carries it out.
import type { ActorAddress } from '../../../contract/address.ts';
import type { Json } from '../../../contract/json.ts';
import { writtenOf } from '../../../contract/scatter.ts';
import type { CoreState, Registry, TurnResult } from '../../../contract/turn.ts';
import { addRows, type CostRow, type Funds } from '../../../contract/usage.ts';
import type { DayLimit } from '../../../control/tenant/protocol.ts';
import { behalfOf } from '../../protocol/behalf.ts';
import { lifeFolder } from '../../protocol/claims.ts';
import { newBudget } from '../budget/budget.ts';
import { drawnBudget } from '../budget/tenant.ts';
import { current, tellWatchers, withWatchers } from '../questions/watchers.ts';
import { completed, type Settlement } from '../settle.ts';
import { isDeferral, pieceKey } from '../sort/early-pieces.ts';
import { type Noted, type ReceivedInput, record } from '../sort/inbox.ts';
import { markEntries, marksOf } from '../sort/marks.ts';
import { expiry } from '../sort/tombstone.ts';
import type { BudgetState, OutboxEntry, SessionState, UnsentEntry } from '../state/session-state.ts';
import { actorSpan, actorTraceparent, originOf } from '../trace.ts';
import { type SavedOf, savedEffects, savedUnsent } from '../unsent/saved.ts';
import { book } from './book.ts';
import { encodeEffects } from './encode.ts';
import { type LetGo, letGo } from './let-go.ts';
import { tellAsks } from './tell-asks.ts';
import {
  answerTo,
  inputOf,
  isBirth,
  isDropped,
  type Judged,
  judgeAll,
  settledAs,
  tracedWith,
} from './verdicts.ts';

export interface NextStateContext {
  readonly actor: ActorAddress;
  readonly epoch: string;
  readonly now: number;
  /** While it is traced, by this machine's clock (epoch ms): when the batch began, and now. */
  readonly traced?: { readonly begunAt: number; readonly at: number } | undefined;
  /** How long peers and keys are remembered; an ended actor, too. */
  readonly duplicateWindowMs: number;
  readonly retentionMs: number;
  /** Numbers of messages whose settlement is confirmed: they can be forgotten. */
  readonly settled: ReadonlySet<number>;
  /** Version of the machine that runs here: the host that wrote a state last decides which hosts may read it (I14). */
  readonly version: string;
  /** Scope of the payload store. */
  readonly scope: string;
  /** Machine types that events can be sent to. */
  readonly machines: Registry['machines'];
  /** The actor ends without its core: nobody knows what it waits for. */
  readonly isLost?: boolean;
  /** What was used, to be booked with it. */
  readonly usages?: readonly Noted[];
  readonly tenants?: Readonly<Record<string, DayLimit>> | undefined;
  /** The agent that is told of new questions. */
  readonly notifyAsks?: string | undefined;
  /** What an attempt of this agent with this input uses at most: asked under a budget only. */
  readonly fundsOf?: ((agent: string, input: Json, topic?: string) => Funds) | undefined;
  readonly savedOf?: SavedOf | undefined;
}

export interface NextState {
  /** Unset when nothing changed that must be remembered: settling needs no commit then. */
  readonly state?: SessionState;
  readonly settlements: readonly Settlement[];
  /** With `state`: already in its outbox. Without: to be published as they are. */
  readonly entries: readonly OutboxEntry[];
  readonly dropped: number;
  /** With `state`: it has what was used in its books. */
  readonly isBooked?: true;
}

/** Takes as many of the received messages as the result has verdicts for. */
export function nextState(
  state: SessionState,
  received: readonly ReceivedInput[],
  result: TurnResult,
  context: NextStateContext,
): NextState {
  const judged = judgeAll(state, received, result.verdicts);
  const settlements = judged.map((one) => settledAs(one, context.actor));
  const started = state.core === null ? judged.find(isBirth) : undefined;
  const origin = started === undefined ? state : originOf(started.message, context.traced?.begunAt);
  const startedWith = (started === undefined ? undefined : inputOf(started, result)) ?? state.input;
  const own = actorTraceparent(origin, context.actor, result.state?.incarnation);
  const answers = [
    ...judged.flatMap((one) => answerTo(one, result, startedWith, context.actor)).map(tracedWith(own)),
    ...markEntries(context.actor, marksOf(judged, state.core, result.state)),
  ];
  const dropped = judged.filter(isDropped).length;
  const changed =
    judged.some(({ verdict }) => verdict.kind === 'applied' || verdict.kind === 'early') ||
    // A repeat that a gather counted changes nothing else.
    (dropped > 0 && JSON.stringify(result.state?.executions) !== JSON.stringify(state.core?.executions));
  if (!changed || result.state === null) {
    const isCounted = judged.some(({ message }) => Object.hasOwn(state.attempts, message.sequenceNumber));
    if (!isCounted) return { settlements, entries: answers, dropped };
    // The turn came to its end, and that is recorded: otherwise each delivery would count as an attempt without an end.
    return {
      settlements,
      entries: answers,
      dropped,
      state: { ...state, outbox: answers, ...remembered(state, judged, settlements, context) },
    };
  }

  const core = result.state;
  const { actor, epoch } = context;
  const { traceparent, traced } = origin;
  const { family = state.family, lineage = state.lineage } = started ?? {};
  const funded = started === undefined ? undefined : budgetOf(started, core, context);
  const given = funded === undefined ? state.control : { ...state.control, budget: funded };
  const { unsent } = state.control ?? {};
  const closed = letGo(state.core, result, judged, { isLost: false, ...context, unsent });
  const encoded = encodeEffects(withoutUnborn(result.effects, closed.unborn), {
    actor,
    family: family ?? lifeFolder(context.scope, actor, core.incarnation),
    ...(lineage === undefined ? {} : { lineage }),
    behalf: behalfOf(started?.behalf ?? state.control ?? {}),
    epoch,
    incarnation: core.incarnation,
    span: actorSpan(origin, actor, core.incarnation),
    tracedAt: context.traced?.at,
    scheduled: state.scheduled,
    timers: { before: state.core?.timers ?? {}, after: core.timers },
    childOf: (execution) => core.executions[execution]?.childId,
    now: context.now,
    fundsOf: given?.budget === undefined ? undefined : context.fundsOf,
    isKnownType: (type) =>
      Object.hasOwn(context.machines, type) || core.parent?.address.type === type || actor.type === type,
  });
  const ended = core.status !== 'active' && state.core?.status !== core.status;
  const watchers = current(state.watchers ?? [], context.now);
  const { usages = [] } = context;
  const saved = savedIn(result, closed, unsent, context);
  const turned = { before: state.core, after: core, judged, letGoUntil: closed.openUntil, saved };
  const { behalf = {} } = started ?? {};
  const said = Object.keys(behalf).length === 0 ? given : { ...given, ...behalf };
  const bounded = core.bounds === undefined ? said : { ...said, bounded: true as const };
  const gathering = opensNewScatter(result) ? { ...bounded, gathers: true as const } : bounded;
  const known = core.asks === undefined ? gathering : { ...gathering, asks: true as const };
  const books = book(known, usages, turned, context);
  const control = books?.control ?? known;
  const entries = [
    ...closed.first,
    ...(books?.entries ?? []),
    ...encoded,
    ...answers,
    ...tellAsks(actor, {
      isLost: false,
      ...context,
      before: state.core,
      after: core,
      notify: context.notifyAsks,
    }),
    ...closed.last,
    ...tellWatchers(watchers, actor, {
      before: state.core,
      after: core,
      steps: result.steps,
      now: context.now,
      control,
    }).map(tracedWith(own)),
    ...(ended ? [expiry(actor, core.incarnation, context.now + context.retentionMs)] : []),
  ];
  return {
    settlements,
    entries,
    dropped,
    ...(usages.length === 0 ? {} : { isBooked: true as const }),
    state: {
      ...withWatchers(state, ended ? [] : watchers),
      version: context.version,
      core,
      outbox: entries,
      ...(control === undefined ? {} : { control }),
      ...remembered(
        state,
        judged,
        usages.length === 0
          ? settlements
          : [...settlements, ...usages.map(({ message }) => completed(message))],
        context,
      ),
      scheduled: Object.fromEntries(
        Object.entries(state.scheduled).filter(([token]) => Object.hasOwn(core.timers, token)),
      ),
      ...(family === undefined ? {} : { family }),
      ...(lineage === undefined ? {} : { lineage }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(traced === undefined ? {} : { traced }),
      ...(startedWith === undefined ? {} : { input: startedWith }),
      ...(started === undefined ? {} : { born: started.message.sequenceNumber }),
    },
  };
}

/** What this batch let go of before it left. */
function savedIn(
  { effects }: TurnResult,
  { closed, unborn }: LetGo,
  unsent: readonly UnsentEntry[] = [],
  { savedOf }: NextStateContext,
): readonly CostRow[] {
  if (savedOf === undefined || closed.size === 0) return [];
  return addRows(savedUnsent(unsent, closed, savedOf), savedEffects(effects, unborn, savedOf));
}

/** What nobody waits for by the end of the batch that asks for it does not leave. */
function withoutUnborn(effects: TurnResult['effects'], unborn: ReadonlySet<string>): TurnResult['effects'] {
  if (unborn.size === 0) return effects;
  return effects.filter(
    ({ effect }) => !((effect.kind === 'task' || effect.kind === 'scatter') && unborn.has(effect.execution)),
  );
}

/** A host of a former build would throw at such a gather, or send to the wrong queues: it has to leave the actor alone (I14). */
function opensNewScatter({ effects }: TurnResult): boolean {
  return effects.some(
    ({ effect }) =>
      effect.kind === 'scatter' &&
      (effect.plan.topic !== undefined || writtenOf(effect.plan.policy).kind === undefined),
  );
}

/** Of an actor that is born: its own, drawn from its tenant's where that has one; of a child what its parent gave it. */
function budgetOf(
  { budget, behalf }: ReceivedInput,
  { parent }: CoreState,
  { tenants = {} }: NextStateContext,
): BudgetState | undefined {
  const { tenant } = behalf ?? {};
  const limit = tenant === undefined || !Object.hasOwn(tenants, tenant) ? undefined : tenants[tenant];
  if (parent === undefined && tenant !== undefined && limit !== undefined)
    return drawnBudget(budget, tenant, limit);
  return budget === undefined ? undefined : newBudget(budget);
}

/** What became of these messages; their attempts are over. */
function remembered(
  state: SessionState,
  judged: readonly Judged[],
  settlements: readonly Settlement[],
  { settled, now, ...memory }: NextStateContext,
): Pick<SessionState, 'inbox' | 'deferred' | 'attempts' | 'dropped'> {
  const over = new Set(judged.map(({ message }) => message.sequenceNumber));
  const attempts = Object.entries(state.attempts).filter(
    ([number]) => !settled.has(Number(number)) && !over.has(Number(number)),
  );
  return {
    inbox: record(state.inbox, settlements, settled, now, memory),
    deferred: nextDeferred(state, judged, settled),
    attempts: Object.fromEntries(attempts),
    dropped: state.dropped + judged.filter(isDropped).length,
  };
}

/** Early partials by what they wait for; forgotten once their message is settled for good. */
function nextDeferred(
  state: SessionState,
  judged: readonly Judged[],
  settled: ReadonlySet<number>,
): Record<string, number> {
  // Their deferral was confirmed, their completion is still to come.
  const running = new Set(judged.map(({ message }) => message.sequenceNumber));
  const kept = Object.entries(state.deferred).filter(
    ([, number]) => !settled.has(number) || isDeferral(state, number) || running.has(number),
  );
  const added = judged.flatMap(({ message, verdict }) =>
    verdict.kind === 'early'
      ? [[pieceKey(verdict.execution, verdict.branch, verdict.seq), message.sequenceNumber] as const]
      : [],
  );
  return Object.fromEntries([...kept, ...added]);
}
