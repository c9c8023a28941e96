// The host's spans. Ids of everything that outlives a turn (actor, task, fan-out) follow from the actor's incarnation, so
// that any host can write them on messages now and export the span when it is over (docs/observability.md).

import type { SpanContext } from '@opentelemetry/api';
import { SpanKind } from '@opentelemetry/api';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import type { Outcome } from '../../contract/outcome.ts';
import { answeredIn } from '../../contract/scatter.ts';
import type {
  CoreState,
  Execution,
  GatherReport,
  TurnInput,
  TurnResult,
  Verdict,
} from '../../contract/turn.ts';
import {
  ATTR,
  deriveSpanContext,
  formatTraceparent,
  isTracing,
  parseTraceparent,
  recordSpan,
  SPAN,
} from '../../observability/telemetry.ts';

/** What messages of an actor carry. `origin` is the traceparent that its start came with. */
export function actorSpan(origin: string | undefined, actor: ActorAddress, incarnation: string): SpanContext {
  const started = parseTraceparent(origin);
  const seed = `${formatAddress(actor)}#${incarnation}`;
  return deriveSpanContext(seed, started?.traceId, started?.traceFlags);
}

function executionSpan(parent: SpanContext, seed: string): SpanContext {
  return deriveSpanContext(seed, parent.traceId, parent.traceFlags);
}

const executionSeed = (
  actor: ActorAddress,
  incarnation: string,
  execution: string,
  branch: number | null,
): string => `${formatAddress(actor)}#${incarnation}/${execution}${branch === null ? '' : `/${branch}`}`;

/** What a task carries: the span from its asking to its accepted answer, exported once the answer is in. */
export function taskTraceparent(
  span: SpanContext,
  actor: ActorAddress,
  incarnation: string,
  execution: string,
  branch: number | null,
): string {
  return formatTraceparent(executionSpan(span, executionSeed(actor, incarnation, execution, branch)));
}

export interface CommittedBatch {
  readonly actor: ActorAddress;
  readonly origin: string | undefined;
  readonly before: CoreState | null;
  readonly inputs: readonly TurnInput[];
  readonly result: Pick<TurnResult, 'state' | 'verdicts' | 'gathers'>;
  /** Epoch ms. */
  readonly now: number;
}

/** Exports what ended with this commit: tasks answered or let go, gathers decided, the actor itself. */
export function recordEnded(batch: CommittedBatch): void {
  const { actor, origin, before, result, now } = batch;
  const { state } = result;
  if (state === null || !isTracing()) return;
  const common = { [ATTR.actor]: formatAddress(actor), [ATTR.incarnation]: state.incarnation };
  const life: Life = {
    actor,
    incarnation: state.incarnation,
    span: actorSpan(origin, actor, state.incarnation),
    common,
    now,
  };

  const answered = new Set<string>();
  batch.inputs.forEach((input, at) => {
    const verdict: Verdict | undefined = result.verdicts[at];
    const execution = input.kind === 'reply' ? before?.executions[input.execution] : undefined;
    if (input.kind !== 'reply' || execution === undefined || verdict?.kind !== 'applied') return;
    answered.add(input.execution);
    recordTask(life, input.execution, execution, input.branch ?? null, input.outcome);
  });
  for (const report of result.gathers) {
    answered.add(report.execution);
    recordGather(life, report);
  }
  for (const [id, execution] of Object.entries(before?.executions ?? {})) {
    if (!answered.has(id) && !Object.hasOwn(state.executions, id))
      recordTask(life, id, execution, null, undefined);
  }
  if (state.status === 'active' || before?.status === state.status) return;
  recordSpan({
    name: SPAN.actor(actor.type),
    kind: SpanKind.INTERNAL,
    spanContext: life.span,
    parent: origin,
    startTime: state.startedAt,
    endTime: now,
    attributes: { ...common, [ATTR.status]: state.status, [ATTR.turns]: state.turn },
    status: state.status === 'error' ? { ok: false, error: state.error } : { ok: true },
  });
}

/** The actor that the spans of one commit belong to. */
interface Life {
  readonly actor: ActorAddress;
  readonly incarnation: string;
  readonly span: SpanContext;
  readonly common: Readonly<Record<string, string>>;
  readonly now: number;
}

/** Without an outcome nobody waits for the answer any more: it is missing. */
function recordTask(
  life: Life,
  id: string,
  execution: Execution,
  branch: number | null,
  outcome: Outcome | undefined,
): void {
  // A child actor records its own life.
  if (execution.kind === 'child') return;
  const { actor, incarnation, span, common, now } = life;
  const contextOf = (at: number | null): SpanContext =>
    executionSpan(span, executionSeed(actor, incarnation, id, at));
  const isWhole = execution.kind === 'scatter' && branch === null;
  recordSpan({
    name: isWhole ? SPAN.scatterGather(execution.src) : SPAN.task(agentOf(execution, branch)),
    kind: SpanKind.INTERNAL,
    spanContext: contextOf(branch),
    parent: execution.kind === 'scatter' && branch !== null ? contextOf(null) : span,
    startTime: execution.startedAt,
    endTime: now,
    attributes: {
      ...common,
      [ATTR.execution]: id,
      [ATTR.outcome]: outcome?.status ?? 'missing',
      ...(branch === null ? {} : { [ATTR.branch]: branch }),
    },
    status: outcome?.status === 'error' ? { ok: false, error: outcome.error } : { ok: true },
  });
}

function agentOf(execution: Execution, branch: number | null): string {
  if (execution.kind === 'task') return execution.agent;
  if (execution.kind === 'child') return execution.src;
  const { agents } = execution.gather;
  return agents[(branch ?? 0) % agents.length] ?? execution.src;
}

function recordGather(life: Life, report: GatherReport): void {
  const { actor, incarnation, span, now } = life;
  const { gather, execution, src, outcome } = report;
  const spanContext = executionSpan(span, executionSeed(actor, incarnation, execution, null));
  const attributes = {
    ...life.common,
    [ATTR.execution]: execution,
    [ATTR.outcome]: outcome,
    [ATTR.total]: gather.total,
    [ATTR.ok]: gather.ok,
    [ATTR.failed]: gather.failed,
    [ATTR.missing]: gather.total - answeredIn(gather),
    [ATTR.duplicates]: gather.duplicates,
    [ATTR.unlinked]: Math.max(0, gather.ok - gather.links.length),
  };
  const common = { kind: SpanKind.INTERNAL, endTime: now, attributes };
  recordSpan({
    ...common,
    name: SPAN.scatterGather(src),
    spanContext,
    parent: span,
    startTime: gather.startedAt,
  });
  recordSpan({
    ...common,
    name: SPAN.gather(src),
    spanContext: executionSpan(span, `${executionSeed(actor, incarnation, execution, null)}/gather`),
    parent: spanContext,
    startTime: now,
    links: gather.links,
  });
  const asked = {
    kind: 'scatter',
    childId: report.childId,
    src,
    startedAt: gather.startedAt,
    gather,
  } as const;
  for (const branch of unanswered(gather)) recordTask(life, execution, asked, branch, undefined);
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
