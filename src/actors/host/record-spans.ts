// Exports the spans of what began and ended with a commit: actors, tasks, scatters and gathers, which outlive a process. Their
// stamps are those of Jaeger's critical path: what ended is over a µs before the batch began that heard of it, so before anything
// that it caused; a gather takes the last µs of its scatter, and the answer that decided it ends last before it.
import { SpanKind } from '@opentelemetry/api';
import { type ActorAddress, formatAddress, namedByType } from '../../contract/address.ts';
import { isReservedType } from '../../contract/control.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import { answeredIn } from '../../contract/scatter.ts';
import {
  type CoreState,
  type Execution,
  type GatherReport,
  MAX_LINKS,
  type MachineRef,
  type TurnInput,
  type TurnResult,
} from '../../contract/turn.ts';
import { ATTR, SPAN } from '../../observability/span-names.ts';
import { isTracing, type RecordedSpan, recordSpan, traceNow } from '../../observability/telemetry.ts';
import { actorSpan, type BatchTrace, executionSpan, type Origin, parentOfActor, partOf } from './trace.ts';

const US = 0.001;
/** Before the end of a scatter: its gather begins, the branch that decided ends, the other branches end, those let go of end. */
const GATHER = US;
const DECIDED = 2 * US;
const ANSWERED = 3 * US;
const LET_GO = 4 * US;

export interface CommittedBatch {
  readonly actor: ActorAddress;
  readonly machine: MachineRef;
  readonly origin: Origin;
  readonly before: CoreState | null;
  readonly inputs: readonly TurnInput[];
  readonly result: Pick<TurnResult, 'state' | 'verdicts' | 'gathers'>;
  readonly trace: BatchTrace | undefined;
}

/** The actor that the spans of one commit belong to. */
interface Life {
  readonly actor: ActorAddress;
  readonly state: CoreState;
  readonly span: ReturnType<typeof actorSpan>;
  readonly common: Readonly<Record<string, string>>;
  /** What ended is over then. */
  readonly over: number;
}

/** Call it once a commit has been published. */
export function recordTurns(batch: CommittedBatch): void {
  const { actor, machine, origin, before, result, trace } = batch;
  const { state } = result;
  // What processes share has no spans of its own, as its batches have none.
  if (state === null || !isTracing() || isReservedType(actor.type)) return;
  const now = traceNow();
  const life: Life = {
    actor,
    state,
    span: actorSpan(origin, actor, state.incarnation),
    common: {
      [ATTR.actor]: formatAddress(actor),
      [ATTR.incarnation]: state.incarnation,
      [ATTR.machine]: machine.type,
      [ATTR.machineVersion]: machine.version,
    },
    over: (trace?.begunAt ?? now) - US,
  };
  const isBorn = before?.incarnation !== state.incarnation;
  const from = origin.traced?.from ?? state.startedAt;
  if (isBorn) recordActorStarted(life, origin, from);
  recordScattersStarted(life, isBorn ? {} : (before?.executions ?? {}));
  recordAnswers(life, batch);
  if (state.status === 'active' || before?.status === state.status) return;
  recordSpan({
    name: SPAN.actor(actor.type),
    kind: SpanKind.INTERNAL,
    spanContext: life.span,
    parent: parentOfActor(origin),
    startTime: from,
    endTime: trace?.overAt ?? now,
    attributes: { ...life.common, [ATTR.status]: state.status, [ATTR.turns]: state.turn },
    status: state.status === 'error' ? { ok: false, error: state.error } : { ok: true },
  });
}

/** It links to who started it: a link of the root itself would make Jaeger call the trace incomplete. */
function recordActorStarted(life: Life, origin: Origin, from: number): void {
  const { actor, span, common } = life;
  const isRoot = parentOfActor(origin) === undefined;
  recordSpan({
    ...marker(SPAN.actorStarted(actor.type), from),
    spanContext: partOf(span, `${span.spanId}/started`),
    parent: span,
    links: isRoot && origin.traceparent !== undefined ? [origin.traceparent] : [],
    attributes: common,
  });
}

function recordScattersStarted(life: Life, known: CoreState['executions']): void {
  const { actor, state, span, common } = life;
  for (const [id, execution] of Object.entries(state.executions)) {
    if (execution.kind !== 'scatter' || Object.hasOwn(known, id)) continue;
    const { gather, deadlineAt } = execution;
    const whole = executionSpan(span, actor, state.incarnation, id, null);
    recordSpan({
      ...marker(SPAN.scatterStarted(nameOf(life, execution)), begunAt(execution)),
      spanContext: partOf(whole, `${whole.spanId}/started`),
      parent: whole,
      attributes: {
        ...common,
        [ATTR.execution]: id,
        [ATTR.invoke]: namedByType(execution.childId, actor.type),
        [ATTR.total]: gather.total,
        [ATTR.agents]: gather.agents.join(),
        [ATTR.policy]: JSON.stringify(gather.policy),
        ...(deadlineAt === undefined ? {} : { [ATTR.deadline]: new Date(deadlineAt).toISOString() }),
      },
    });
  }
}

function marker(name: string, at: number): Pick<RecordedSpan, 'name' | 'kind' | 'startTime' | 'endTime'> {
  return { name, kind: SpanKind.INTERNAL, startTime: at, endTime: at };
}

function recordAnswers(life: Life, { before, inputs, result }: CommittedBatch): void {
  const { over } = life;
  const executions = before?.executions ?? {};
  const gathers = new Map(result.gathers.map((report) => [report.execution, report]));
  /** The answer that came last decided its gather. */
  const deciding = new Map<string, number>();
  const answers = inputs.flatMap((input, at) => {
    if (input.kind !== 'reply' || result.verdicts[at]?.kind !== 'applied') return [];
    const execution = Object.hasOwn(executions, input.execution) ? executions[input.execution] : undefined;
    if (execution === undefined) return [];
    deciding.set(input.execution, at);
    return [{ at, input, execution }];
  });
  const answered = new Set<string>();
  for (const { at, input, execution } of answers) {
    answered.add(input.execution);
    const decides = gathers.has(input.execution) && deciding.get(input.execution) === at;
    const early = execution.kind !== 'scatter' ? 0 : decides ? DECIDED : ANSWERED;
    recordTask(life, input.execution, execution, {
      branch: input.branch ?? null,
      outcome: input.outcome,
      end: over - early,
    });
  }
  for (const report of result.gathers) {
    answered.add(report.execution);
    recordGather(life, report);
  }
  for (const [id, execution] of Object.entries(executions)) {
    if (!answered.has(id) && !Object.hasOwn(life.state.executions, id)) recordLetGo(life, id, execution);
  }
}

interface Ended {
  readonly branch: number | null;
  /** None: nobody waits for the answer any more. */
  readonly outcome: Outcome | undefined;
  readonly end: number;
}

function recordTask(life: Life, id: string, execution: Execution, { branch, outcome, end }: Ended): void {
  // A child actor records its own life.
  if (execution.kind === 'child') return;
  const { actor, state, span, common } = life;
  const isWhole = execution.kind === 'scatter' && branch === null;
  const isBranch = execution.kind === 'scatter' && branch !== null;
  const own = (at: number | null) => executionSpan(span, actor, state.incarnation, id, at);
  recordSpan({
    name: isWhole
      ? SPAN.scatterGather(nameOf(life, execution))
      : SPAN.task(isBranch ? agentOf(execution, branch) : nameOf(life, execution)),
    // What is below a PRODUCER is waited for by nobody, and may take longer.
    kind: outcome === undefined && !isWhole ? SpanKind.PRODUCER : SpanKind.INTERNAL,
    spanContext: own(branch),
    parent: isBranch ? own(null) : span,
    startTime: begunAt(execution),
    endTime: end,
    attributes: {
      ...common,
      [ATTR.execution]: id,
      [ATTR.invoke]: namedByType(execution.childId, actor.type),
      ...(isWhole ? {} : { [ATTR.agent]: agentOf(execution, branch) }),
      [ATTR.turn]: state.turn,
      [ATTR.outcome]: outcome?.status ?? 'missing',
      ...(branch === null ? {} : { [ATTR.branch]: branch }),
    },
    status: outcome?.status === 'error' ? { ok: false, error: outcome.error } : { ok: true },
  });
}

/** The machine has left the state that asked, or the actor is over. */
function recordLetGo(life: Life, id: string, execution: Execution): void {
  const { over } = life;
  recordTask(life, id, execution, { branch: null, outcome: undefined, end: over });
  if (execution.kind === 'scatter')
    for (const branch of unanswered(execution.gather))
      recordTask(life, id, execution, { branch, outcome: undefined, end: over - LET_GO });
}

/** As the machine names it: by the id of its invoke. An id that XState made says less than what it invokes. */
function nameOf({ actor }: Life, { childId, src, invoked, ...of }: Execution): string {
  if (invoked === true && !/^\d+\./.test(childId)) return namedByType(childId, actor.type);
  return of.kind === 'task' ? of.agent : src;
}

function begunAt({ tracedAt, startedAt }: Pick<Execution, 'tracedAt' | 'startedAt'>): number {
  return tracedAt ?? startedAt;
}

function agentOf(execution: Execution, branch: number | null): string {
  if (execution.kind === 'task') return execution.agent;
  if (execution.kind === 'child') return execution.src;
  const { agents } = execution.gather;
  return agents[(branch ?? 0) % agents.length] ?? execution.src;
}

function recordGather(life: Life, report: GatherReport): void {
  const { actor, state, span, over, common } = life;
  const { gather, execution, outcome, scatter } = report;
  const name = nameOf(life, scatter);
  const spanContext = executionSpan(span, actor, state.incarnation, execution, null);
  const links = gather.links.slice(0, MAX_LINKS);
  const attributes = {
    ...common,
    [ATTR.execution]: execution,
    [ATTR.invoke]: namedByType(scatter.childId, actor.type),
    [ATTR.turn]: state.turn,
    [ATTR.outcome]: outcome,
    [ATTR.agents]: gather.agents.join(),
    [ATTR.policy]: JSON.stringify(gather.policy),
    [ATTR.total]: gather.total,
    [ATTR.ok]: gather.ok,
    [ATTR.failed]: gather.failed,
    [ATTR.missing]: gather.total - answeredIn(gather),
    [ATTR.complete]: answeredIn(gather) === gather.total,
    [ATTR.duplicates]: gather.duplicates,
    [ATTR.unlinked]: Math.max(0, gather.ok - links.length),
  };
  const error: ErrorJson = report.error ?? { code: 'GATHER_FAILED', message: `gather '${name}' failed` };
  const status = outcome === 'failed' ? ({ ok: false, error } as const) : ({ ok: true } as const);
  const both = { kind: SpanKind.INTERNAL, endTime: over, attributes, status };
  recordSpan({
    ...both,
    name: SPAN.scatterGather(name),
    spanContext,
    parent: span,
    startTime: begunAt(scatter),
  });
  recordSpan({
    ...both,
    name: SPAN.gather(name),
    spanContext: partOf(spanContext, `${spanContext.spanId}/gather`),
    parent: spanContext,
    startTime: over - GATHER,
    links,
  });
  for (const branch of unanswered(gather))
    recordTask(life, execution, scatter, { branch, outcome: undefined, end: over - LET_GO });
}

/** Branches whose bit is not set, lowest first. */
function unanswered(gather: GatherReport['gather']): number[] {
  const { answered, total } = gather;
  if (answeredIn(gather) === total) return [];
  const bits = Buffer.from(answered, 'base64');
  return Array.from({ length: total }, (_, branch) => branch).filter(
    (branch) => (((bits[branch >> 3] ?? 0) >> (branch & 7)) & 1) === 0,
  );
}
