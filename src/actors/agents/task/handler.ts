// One task from its queue to its reply. It passes each stage once, and each is a file: parse (protocol/messages.ts), admit,
// attempt, next, settle. A stage gives data, and settle carries out what they come to. What is thrown on the way leaves the message to its lock.
import { context, ROOT_CONTEXT, type Span, SpanKind } from '@opentelemetry/api';
import type { Disposition } from '../../../contract/ports.ts';
import type { InboundMessage, TaskBody, WireMessage } from '../../../contract/wire.ts';
import { PROPERTY } from '../../../contract/wire.ts';
import { withCarried } from '../../../observability/carried.ts';
import { ATTR, MESSAGING_SYSTEM, SPAN } from '../../../observability/span-names.ts';
import {
  contextOf,
  inSpan,
  isTracing,
  recordFailure,
  type SpanInput,
  traceNow,
  traceparentOf,
} from '../../../observability/telemetry.ts';
import { claimingPublish } from '../../protocol/claims.ts';
import { withoutLife } from '../../protocol/ids.ts';
import { marksOfWork } from '../../protocol/lineage.ts';
import { parseTaskBody } from '../../protocol/messages.ts';
import { admit } from './admit.ts';
import { run } from './attempt.ts';
import { type Attempted, billUnbegun, fundAgain, isFundedAgain, meterOf, savedBy } from './bill.ts';
import { putOff, toNext } from './next.ts';
import { settle } from './settle.ts';
import type { Admitted, Next, Task, TaskHost } from './task.ts';
import { streamOf } from './task-stream.ts';

export function createTaskHandler(
  options: TaskHost,
): (message: InboundMessage, lost: AbortSignal, passed?: () => void) => Promise<Disposition> {
  const host: TaskHost = {
    ...options,
    bridge: {
      publish: claimingPublish(options.bridge, options.payloads),
      cancelScheduled: options.bridge.cancelScheduled,
    },
  };
  const { counters, entity } = host;
  return async (message, lost, passed = () => {}) => {
    const parsed = parseTaskBody(message);
    if (!parsed.ok) return { kind: 'deadLetter', reason: 'INPUT_INVALID', description: parsed.why };
    const { body } = parsed;
    host.metrics.took(message, host.clock.now());
    counters.running++;
    counters.peak = Math.max(counters.peak, counters.running);
    const ending: Ending = {};
    const input = { ...spanOf(body, message, host), endTime: () => ending.at };
    try {
      return await inSpan(SPAN.process(entity), input, async (span) => {
        const marks = marksOfWork(message, body.execution);
        const task: Task = {
          body,
          message,
          lost,
          marks,
          waits: countOf(message, PROPERTY.waits),
          putOffs: countOf(message, PROPERTY.putOffs),
          traceparent: traceparentOf(span),
        };
        if (isFirst(task)) host.lane?.took(message);
        const admitted = await admit(task, passed, host);
        const disposition = await carryOut(task, admitted, { span, ending }, host);
        span.setAttribute(ATTR.messagingDisposition, disposition.kind);
        return disposition;
      });
    } finally {
      counters.running--;
      host.lane?.ended();
    }
  };
}

/** When the attempt was over, or `never` for what is not to be seen. */
interface Ending {
  at?: number | 'never';
}

interface Traced {
  readonly span: Span;
  readonly ending: Ending;
}

/** Settled outside the span: when somebody hears of the answer, the attempt is over. */
function settleBehind(
  { span, ending }: Traced,
  next: Next,
  ...[task, bill, host]: [task: Task, bill: readonly WireMessage[], host: TaskHost]
): Promise<Disposition> {
  show(span, next);
  // Nobody waits for it any more, and it was not begun: its task is over.
  ending.at = next.kind === 'drop' && next.counted !== 'aborted' ? 'never' : traceNow();
  return context.with(ROOT_CONTEXT, () => settle(task, next, bill, host));
}

/** Red where the attempt failed, also where another one follows. */
function show(span: Span, next: Next): void {
  span.setAttribute(ATTR.outcome, outcomeOf(next));
  if (next.kind === 'giveUp' || next.kind === 'retry') recordFailure(span, next.error);
  else if (next.kind === 'answer' && next.outcome.status === 'error') recordFailure(span, next.outcome.error);
}

function outcomeOf(next: Next): string {
  switch (next.kind) {
    case 'answer':
      return next.outcome.status;
    case 'giveUp':
    case 'retry':
      return 'error';
    case 'drop':
      return 'cancelled';
    case 'keep':
      return 'late';
    default:
      return next.kind;
  }
}

async function carryOut(
  task: Task,
  admitted: Admitted | Next,
  traced: Traced,
  host: TaskHost,
): Promise<Disposition> {
  if (admitted.kind === 'later' && admitted.counted !== 'elsewhere' && isFundedAgain(task)) {
    const { next, bill } = fundAgain(task, admitted, host);
    return settleBehind(traced, next, task, bill, host);
  }
  if (admitted.kind !== 'run') {
    const saved = await savedBy(task, admitted, host);
    host.used(saved);
    host.savings?.note(task, saved);
    return settleBehind(traced, admitted, task, billUnbegun(task, admitted, host), host);
  }
  try {
    const { next, bill } = isFundedAgain(task)
      ? fundAgain(task, admitted, host)
      : await attemptOf(task, admitted, traced.span, host);
    return await settleBehind(traced, next, task, bill, host);
  } finally {
    // Nothing, where it has ended.
    admitted.permits?.end({ kind: 'cancelled' }, undefined);
    await admitted.claim?.release();
  }
}

async function attemptOf(task: Task, admitted: Admitted, span: Span, host: TaskHost): Promise<Attempted> {
  const { budget, clock } = host;
  if (isFirst(task)) budget?.began('first', clock.now());
  if (task.message.deliveryCount > 0) budget?.began('redelivered', clock.now());
  const meter = meterOf(task, admitted, host);
  await meter.billLost();
  const stream = streamOf(task, host);
  const begunAt = performance.now();
  const attempt = await run(task, admitted, { meter, stream }, host);
  host.metrics.ended(attempt, performance.now() - begunAt);
  const soonest = toNext(task, admitted, attempt, drawn(host), host);
  const isRetry = soonest.kind === 'retry' && soonest.attempt > task.body.attempt;
  const next =
    isRetry && budget !== undefined ? putOff(soonest, budget.retry(clock.now()), host.random()) : soonest;
  const bill = meter.bill(attempt, next, span);
  // Before the answer: who hears of it finds all pieces.
  await stream.close(isLast(next));
  admitted.permits?.end(attempt, meter.tokens);
  return { next, bill };
}

/** No other attempt at the task follows. */
function isLast({ kind }: Next): boolean {
  return kind === 'answer' || kind === 'giveUp' || kind === 'drop' || kind === 'keep';
}

function isFirst({ body, message, waits, putOffs }: Task): boolean {
  return body.attempt === 1 && waits === putOffs && message.deliveryCount === 0;
}

function drawn({ clock, random }: TaskHost): { readonly now: number; readonly random: number } {
  return { now: clock.now(), random: random() };
}

/** None for what no host of ours has written. */
function countOf({ properties }: InboundMessage, name: string): number {
  const { [name]: count } = properties;
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** Whole ms, as other SDKs stamp what begins within it. */
function spanOf(body: TaskBody, message: InboundMessage, { entity, clock }: TaskHost): SpanInput {
  const child = message.properties[PROPERTY.child];
  return {
    kind: SpanKind.CONSUMER,
    parent: withCarried(contextOf(message.traceparent), message.traceparent, message.properties),
    ...(isTracing() ? { startTime: Math.floor(traceNow()) } : {}),
    attributes: {
      [ATTR.messagingSystem]: MESSAGING_SYSTEM,
      [ATTR.messagingDestination]: entity,
      [ATTR.messagingOperationName]: 'process',
      [ATTR.messagingOperationType]: 'process',
      [ATTR.messagingMessageId]: message.messageId,
      [ATTR.messagingDeliveryCount]: message.deliveryCount,
      [ATTR.queueWait]: Math.max(0, (message.deliveredAt ?? clock.now()) - message.enqueuedAt),
      ...(child === undefined ? {} : { [ATTR.invoke]: child }),
      ...(body.branch === null ? {} : { [ATTR.branch]: body.branch }),
      ...(body.logic === undefined
        ? { [ATTR.genAiOperation]: 'invoke_agent', [ATTR.genAiAgent]: body.agent }
        : {}),
      [ATTR.actor]: String(message.properties[PROPERTY.from] ?? ''),
      [ATTR.execution]: withoutLife(body.execution),
      [ATTR.agent]: body.agent,
      [ATTR.attempt]: body.attempt,
    },
  };
}
