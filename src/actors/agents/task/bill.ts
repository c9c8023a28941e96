// The bill of one attempt: what its meter says, as messages for the asker, on the span and in the counters. An attempt whose host
// was gone is billed by the next one that gets the task, as it was estimated, under the id that its own bill would have had. Under
// a budget each message of a task has a bill, whatever became of it: its asker has reserved for it.
import type { Span } from '@opentelemetry/api';
import type { AgentConfig } from '../../../contract/config.ts';
import { type CostRow, type Funds, NO_AMOUNT, toCosts } from '../../../contract/usage.ts';
import { PROPERTY, type TaskBody, type WireMessage } from '../../../contract/wire.ts';
import { ATTR } from '../../../observability/span-names.ts';
import { parseFunds } from '../../protocol/budgets.ts';
import { openClaims } from '../../protocol/claims.ts';
import { estimateOf, savedRows } from '../../protocol/estimates.ts';
import { hashId } from '../../protocol/ids.ts';
import { keepsBooks, type Told, toUsage, usageMessageId } from '../../protocol/usage.ts';
import { lostOf } from './admit.ts';
import { createMeter, estimatedRows, type Meter } from './meter.ts';
import type { Admitted, Attempt, Next, Task, TaskHost } from './task.ts';

export interface AttemptMeter extends Meter {
  /** Bills those deliveries of the task that came before and were lost: their hosts may have paid for something. */
  billLost(): Promise<void>;
  /** What this attempt used. Empty where nothing was said and nothing is estimated. */
  bill(attempt: Attempt, next: Next, span: Span): readonly WireMessage[];
  /** Tokens that were really used, as far as was said when it was billed. */
  readonly tokens: number | undefined;
}

export interface Attempted {
  readonly next: Next;
  /** What it used, as messages for the asker. */
  readonly bill: readonly WireMessage[];
}

const NOTHING: readonly WireMessage[] = [];

export function meterOf(task: Task, { runnable, input, deadlineAt }: Admitted, host: TaskHost): AttemptMeter {
  const { logger, prices, bridge } = host;
  const { message } = task;
  const { deliveryCount } = message;
  const config: Partial<AgentConfig> = runnable.kind === 'agent' ? runnable.config : {};
  const { agent } = task.body;
  const { model } = config;
  const messagesOf = (rows: readonly CostRow[], place: Place): readonly WireMessage[] => {
    host.used(rows);
    return toMessages(task, rows, deadlineAt, place);
  };
  const estimated = () => estimateOf(config, input, agent, logger);
  const meter = createMeter({
    agent,
    model,
    prices,
    logger,
    onLate: (rows, step) => {
      const late = messagesOf(rows, { of: 'nothing', deliveryCount, step });
      if (late.length > 0)
        void bridge.publish(late).catch((error: unknown) => {
          logger.warn('usage that was told late was not sent', {
            reason: String(error),
            task: task.body.key,
          });
        });
    },
  });
  let tokens: number | undefined;
  return {
    ...meter,
    get tokens() {
      return tokens;
    },
    billLost: async () => {
      const estimate = deliveryCount === 0 ? undefined : estimated();
      if (estimate === undefined) return;
      const rows = estimatedRows(agent, estimate, model, prices());
      const lost = messagesOf(rows, { of: 'nothing', deliveryCount: deliveryCount - 1, step: 0 });
      if (lost.length > 0) await bridge.publish(lost);
    },
    bill: (attempt, next, span) => {
      const rows = meter.close(estimated, attempt);
      tokens = measuredTokens(rows);
      if (rows.length > 0) show(span, rows);
      return messagesOf(rows, {
        of: next.kind === 'answer' ? answerOf(task) : 'nothing',
        deliveryCount,
        step: 0,
      });
    },
  };
}

/** Without what was only estimated: that is what the limit knows already. */
function measuredTokens(rows: readonly CostRow[]): number | undefined {
  const sum = rows.reduce((all, { inputTokens, outputTokens, estimated }) => {
    const guessed = (estimated?.inputTokens ?? 0) + (estimated?.outputTokens ?? 0);
    return all + inputTokens + outputTokens - guessed;
  }, 0);
  return sum === 0 ? undefined : sum;
}

/** Of what is done in any case the answer comes to nobody, and that is as it should be. */
function answerOf({ message }: Task): Told['of'] {
  return message.properties[PROPERTY.cancel] === 'ignore' ? 'sum' : 'answer';
}

// Under a budget.

/** What its asker has reserved for an attempt at it. */
function fundsOf({ message }: Task): Funds | undefined {
  return parseFunds(message.properties[PROPERTY.budget]);
}

/** Whether its asker reserves for each attempt at it. */
export function isFunded(task: Task): boolean {
  return fundsOf(task) !== undefined;
}

/** The attempt that was reserved for is lost: before another one its asker has to reserve anew. */
export function isFundedAgain(task: Task): boolean {
  return isFunded(task) && task.message.deliveryCount > 0;
}

export function fundAgain(
  task: Task,
  { deadlineAt }: Pick<Admitted, 'deadlineAt'>,
  host: TaskHost,
): Attempted {
  const lost = lostOf(task.message);
  const bill = billUnbegun(task, { kind: 'giveUp', error: { code: '', message: '' } }, host);
  return { next: { kind: 'handBack', deadlineAt, lost }, bill };
}

/** Of a task of which no attempt is made here: at most what an attempt before this one used. */
export function billUnbegun(task: Task, next: Next, host: TaskHost): readonly WireMessage[] {
  const funds = fundsOf(task);
  // It is sent once more: what was reserved is for that.
  if (funds === undefined || next.kind === 'later') return NOTHING;
  const { deliveryCount } = task.message;
  const of = next.kind === 'answer' ? answerOf(task) : 'nothing';
  const rows = deliveryCount === 0 ? [] : [lostRow(task.body.agent, funds)];
  host.used(rows);
  return toMessages(task, rows, task.body.deadlineAt, {
    of,
    deliveryCount: Math.max(0, deliveryCount - 1),
    step: 0,
  });
}

/** The next attempt, for the asker. Its id is its own: it is not lost where the bill in front of it comes twice. */
export function toAgain({ body, message }: Task, again: WireMessage): WireMessage | undefined {
  const { replyTo, replyToSessionId: sessionId } = message;
  if (replyTo === undefined || sessionId === undefined || !keepsBooks(replyTo)) return undefined;
  const { execution, branch } = body;
  return toUsage(
    { entity: replyTo, sessionId, messageId: hashId('again', again.messageId) },
    {
      execution,
      ...(branch === null ? {} : { branch }),
      of: 'nothing',
      rows: [],
      until: Math.ceil(body.deadlineAt),
      isMore: true,
      again,
    },
  );
}

function lostRow(agent: string, { microUsd, tokens }: Funds): CostRow {
  const estimated = { ...NO_AMOUNT, inputTokens: tokens, microUsd, calls: 1 };
  return { agent, model: '', ...estimated, estimated };
}

interface Place {
  readonly of: Told['of'];
  /** The delivery that used it. */
  readonly deliveryCount: number;
  readonly step: number;
}

function toMessages(
  task: Task,
  rows: readonly CostRow[],
  until: number,
  { of, deliveryCount, step }: Place,
): readonly WireMessage[] {
  const { message, traceparent } = task;
  const { execution, branch } = task.body;
  const { replyTo, replyToSessionId: sessionId, messageId: attempt } = message;
  if (rows.length === 0 && !isFunded(task)) return NOTHING;
  if (replyTo === undefined || sessionId === undefined || !keepsBooks(replyTo)) return NOTHING;
  const messageId = usageMessageId(attempt, deliveryCount, step);
  const place = traceparent === undefined ? {} : { traceparent };
  const told: Told = {
    execution,
    ...(branch === null ? {} : { branch }),
    of,
    rows,
    until: Math.ceil(until),
    ...(step === 0 ? {} : { isMore: true }),
  };
  return [toUsage({ entity: replyTo, sessionId, messageId, ...place }, told)];
}

/** Of a task that nobody had begun before. Empty where its agent estimates nothing. */
export async function savedBy(task: Task, next: Next, host: TaskHost): Promise<readonly CostRow[]> {
  const { body, message } = task;
  if (next.kind !== 'drop' || next.counted !== 'cancelled' || message.deliveryCount > 0) return [];
  const runnable = host.resolve(body);
  const config: Partial<AgentConfig> = runnable?.kind === 'agent' ? runnable.config : {};
  if (config.estimate === undefined && config.model === undefined) return [];
  try {
    const opened = await openClaims(message, host.payloads);
    return savedRows(config, (opened.body as TaskBody).input, body.agent, {
      prices: host.prices(),
      logger: host.logger,
    });
  } catch {
    // Its input is gone with its asker: nobody can say what it would have used.
    return [];
  }
}

function show(span: Span, rows: readonly CostRow[]): void {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens, microUsd } = toCosts(
    rows,
    true,
  ).total;
  const [first] = rows;
  span.setAttributes({
    [ATTR.genAiInputTokens]: inputTokens,
    [ATTR.genAiOutputTokens]: outputTokens,
    ...(cachedInputTokens > 0 ? { [ATTR.genAiCachedTokens]: cachedInputTokens } : {}),
    ...(reasoningTokens > 0 ? { [ATTR.genAiReasoningTokens]: reasoningTokens } : {}),
    ...(rows.length === 1 && first !== undefined && first.model !== ''
      ? { [ATTR.genAiModel]: first.model }
      : {}),
    ...(microUsd > 0 ? { [ATTR.microUsd]: microUsd } : {}),
  });
}
