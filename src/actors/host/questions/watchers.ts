// Watchers of an actor: clients that follow its transitions. They lie in the state beside the core, each for a lease that the
// client renews; a batch of turns tells each of them in one message, which leaves with the batch's commit.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { type OpenAsk, toOpenAsk } from '../../../contract/asks.ts';
import type { ReplyAddress } from '../../../contract/effect.ts';
import type { Json } from '../../../contract/json.ts';
import type { InspectedSnapshot } from '../../../contract/ports.ts';
import { answeredIn } from '../../../contract/scatter.ts';
import { MAX_BODY_BYTES } from '../../../contract/sizes.ts';
import {
  answersIn,
  type CoreState,
  type CutGather,
  type GatherState,
  type StepReport,
  type TurnResult,
} from '../../../contract/turn.ts';
import { type Costs, toCosts } from '../../../contract/usage.ts';
import type { AnswerBody, ChildActor, GatherProgress, TransitionsBody } from '../../../contract/wire.ts';
import { hashId } from '../../protocol/ids.ts';
import { toAnswer } from '../../protocol/messages.ts';
import type { ActorHost } from '../host.ts';
import {
  type ControlState,
  countUnsent,
  type OutboxEntry,
  type SessionState,
  type Watcher,
} from '../state/session-state.ts';
import { branchesOf } from './branches.ts';

// What the inspector, queries and watchers see of a committed core.

/** To each watcher, with each batch. */
const MOST_CHILDREN_TOLD = 100;

/** To who wants to know only whether it lives. */
export function lifeIn({ status, incarnation }: CoreState): AnswerBody {
  return { kind: 'answer', answer: 'life', status, incarnation };
}

export function inspected(core: CoreState): InspectedSnapshot {
  const { value = null, context = null } = core.snapshot as {
    readonly value?: Json;
    readonly context?: Json;
  };
  return {
    status: core.status,
    value,
    context,
    tags: core.tags,
    ...(core.output === undefined ? {} : { output: core.output }),
    ...(core.error === undefined ? {} : { error: core.error }),
  };
}

/** How far each open gather is. */
export function progressOf(
  { executions }: CoreState,
  now: number,
  control: ControlState | undefined,
  withBranches = false,
): GatherProgress[] {
  return Object.entries(executions).flatMap(([id, execution]) => {
    if (execution.kind !== 'scatter') return [];
    const { childId, gather } = execution;
    const waiting = (control?.unsent ?? []).filter((work) => work.execution === id);
    const unsent = countUnsent(waiting);
    const sent = Math.min(
      gather.total,
      ...waiting.map((work) => (work.kind === 'task' ? gather.total : work.cursor)),
    );
    const branch = firstOpen(gather);
    const agent = gather.agents[branch % gather.agents.length] ?? '';
    const ms = Math.max(0, now - gather.startedAt);
    const counts = {
      ...countsOf(childId, gather),
      ...(unsent === 0 ? {} : { unsent }),
      ...(withBranches ? { branches: branchesOf(execution, sent) } : {}),
    };
    return [branch < sent ? { ...counts, slowest: { branch, agent, ms } } : counts];
  });
}

/** What it used, as it is shown; undefined where nothing was said. */
export function costsOf(
  control: ControlState | undefined,
  { status }: CoreState,
  now: number,
): Costs | undefined {
  if (control?.costs === undefined) return undefined;
  const { rows, until } = control.costs;
  return toCosts(rows, status !== 'active' && until <= now);
}

/** What a gather had when its actor ended. */
export function cutProgress({ childId, gather }: CutGather): GatherProgress {
  const answers = gather.collect === 'values' ? { answers: answersIn(gather) } : {};
  return { ...countsOf(childId, gather), ...answers };
}

function countsOf(childId: string, gather: GatherState): GatherProgress {
  const { total, ok, failed, invalid = 0, duplicates, startedAt, spent } = gather;
  const answered = answeredIn(gather);
  const open = total - answered;
  const counts = { total, answered, good: ok, ok, failed, invalid, open, duplicates, startedAt };
  return { childId, ...counts, ...(spent === undefined ? {} : { spent }) };
}

/** Branches are sent in their order. */
function firstOpen({ answered, total }: GatherState): number {
  const bits = Buffer.from(answered, 'base64');
  const byte = bits.findIndex((value) => value !== 0xff);
  const value = bits[byte] ?? 0;
  const bit = [0, 1, 2, 3, 4, 5, 6, 7].find((at) => (value & (1 << at)) === 0) ?? 0;
  return Math.min(total - 1, byte * 8 + bit);
}

/** The questions to people that it has open. */
export function openAsks(actor: ActorAddress, { asks }: CoreState): readonly OpenAsk[] {
  return Object.entries(asks?.open ?? {}).map(([ask, question]) => toOpenAsk(actor, ask, question));
}

/** Whether an answer came to one of its gathers, which no step says. */
function hasAnswers(before: CoreState | null, after: CoreState): boolean {
  const known = before?.executions ?? {};
  return Object.entries(after.executions).some(([id, execution]) => {
    const was = known[id];
    return (
      execution.kind === 'scatter' &&
      was?.kind === 'scatter' &&
      answeredIn(was.gather) !== answeredIn(execution.gather)
    );
  });
}

/** An actor with its committed state. */
interface Seen {
  readonly host: ActorHost;
  readonly address: ActorAddress;
  readonly state: SessionState;
}

/** Tells the inspector of a committed batch. The sink knows which actors it has seen; a definition is sent by reference. */
export function inspectCommit({ host, address, state: { control } }: Seen, result: TurnResult): void {
  const { state } = result;
  if (state === null) return;
  const snapshot = inspected(state);
  host.inspection.actor({
    address,
    definition: host.definition,
    snapshot,
    ...(state.parent === undefined ? {} : { parent: state.parent.address }),
  });
  const costs = costsOf(control, state, host.clock.now());
  const known = costs === undefined ? {} : { costs };
  host.inspection.step({ address, events: result.steps, snapshot, turn: state.turn, ...known });
}

/** Of what was booked without a turn. */
export function inspectCosts({ host, address, state: { core, control } }: Seen): void {
  const costs = core === null ? undefined : costsOf(control, core, host.clock.now());
  if (core === null || costs === undefined) return;
  host.inspection.step({ address, events: [], snapshot: inspected(core), turn: core.turn, costs });
}

export function withWatchers(state: SessionState, watchers: readonly Watcher[]): SessionState {
  return watchers.length === 0 && state.watchers === undefined ? state : { ...state, watchers };
}

export function current(watchers: readonly Watcher[], now: number): readonly Watcher[] {
  return watchers.filter(({ until }) => until > now);
}

/** What every watcher is told of one batch. */
export function tellWatchers(
  watchers: readonly Watcher[],
  actor: ActorAddress,
  { before, after, steps, now, control }: Told,
): OutboxEntry[] {
  if (watchers.length === 0) return [];
  const isStep = steps.length > 0 || after.status !== 'active';
  const told = watchers.filter(({ progress, ends }) =>
    ends === true ? after.status !== 'active' : isStep || (progress === true && hasAnswers(before, after)),
  );
  const idFor = ({ sessionId, correlationId }: ReplyAddress): string =>
    hashId('watch', formatAddress(actor), after.incarnation, after.turn, sessionId, correlationId);
  return told.map(({ to, progress, children, ends }) => {
    const body =
      ends === true
        ? lifeIn(after)
        : describeSteps(after, steps, shownOf(after, { control, now, actor, progress, children }));
    return { kind: 'message', message: toAnswer(to, idFor(to), body) };
  });
}

/** A batch, before and after. */
interface Told {
  readonly before: CoreState | null;
  readonly after: CoreState;
  readonly steps: readonly StepReport[];
  readonly now: number;
  readonly control?: ControlState | undefined;
}

type Shown = Pick<TransitionsBody, 'gathers' | 'costs' | 'asks' | 'children'>;

interface ShownOptions {
  readonly actor: ActorAddress;
  readonly control: ControlState | undefined;
  readonly now: number;
  /** Asked for: how far its gathers are, and what it used. */
  readonly progress?: true | undefined;
  /** Asked for: the actors that it has started. */
  readonly children?: true | undefined;
}

/** What a watcher is told beside the steps. */
export function shownOf(core: CoreState, { actor, control, now, progress, children }: ShownOptions): Shown {
  const open = openAsks(actor, core);
  const started = children === undefined ? [] : childrenOf(core).slice(-MOST_CHILDREN_TOLD);
  const always = {
    ...(open.length === 0 ? {} : { asks: open }),
    ...(started.length === 0 ? {} : { children: started }),
  };
  if (progress === undefined) return always;
  const costs = costsOf(control, core, now);
  return { gathers: progressOf(core, now, control), ...(costs === undefined ? {} : { costs }), ...always };
}

/** In the order in which they were started. */
export function childrenOf({ executions }: CoreState): ChildActor[] {
  return Object.values(executions).flatMap((execution) =>
    execution.kind === 'child' ? [{ childId: execution.childId, ...execution.address }] : [],
  );
}

/** What does not fit in one message is left out, the largest first: events' contents, then all but the last step, then the end's. */
export function describeSteps(
  core: CoreState,
  steps: readonly StepReport[],
  shown: Shown = {},
): TransitionsBody {
  const { status, value, output, error } = inspected(core);
  const { incarnation, turn } = core;
  const place = {
    kind: 'answer',
    answer: 'transitions',
    incarnation,
    turn,
    status,
    value,
    ...shown,
  } as const;
  const end = { ...(output === undefined ? {} : { output }), ...(error === undefined ? {} : { error }) };
  const applied = steps.map((step) => ({ event: step.event, value: step.value }));
  const bare = steps.map((step) => ({ event: { type: step.event.type }, value: step.value }));
  const whole: TransitionsBody = { ...place, steps: applied, ...end };
  const smaller: readonly TransitionsBody[] = [
    { ...place, steps: bare, ...end },
    { ...place, steps: bare.slice(-1), ...end },
    { ...place, steps: bare.slice(-1) },
  ];
  // A query has them.
  const { asks: _a, children: _c, ...least } = place;
  return [whole, ...smaller].find(fits) ?? { ...least, steps: [] };
}

function fits(body: TransitionsBody): boolean {
  return Buffer.byteLength(JSON.stringify(body)) <= MAX_BODY_BYTES;
}
