// The bill of one attempt: what its meter says, as messages for the asker, on the span and in the counters. An attempt whose host
// was gone is billed by the next one that gets the task, as it was estimated, under the id that its own bill would have had.
import type { Span } from '@opentelemetry/api';
import type { AgentConfig } from '../../../contract/config.ts';
import { type CostRow, toCosts } from '../../../contract/usage.ts';
import { PROPERTY, type WireMessage } from '../../../contract/wire.ts';
import { ATTR } from '../../../observability/telemetry.ts';
import { keepsBooks, type Told, toUsage, usageMessageId } from '../../protocol/usage.ts';
import { createMeter, estimatedRows, estimateOf, type Meter } from './meter.ts';
import type { Admitted, Attempt, Task, TaskHost } from './task.ts';

/** Of an attempt that was not made. */
export const NOTHING_USED: readonly WireMessage[] = [];

export interface AttemptMeter extends Meter {
  /** Bills those deliveries of the task that came before and were lost: their hosts may have paid for something. */
  billLost(): Promise<void>;
  /** What this attempt used. Empty where nothing was said and nothing is estimated. */
  bill(attempt: Attempt, isAnswer: boolean, span: Span): readonly WireMessage[];
  /** Tokens that were really used, as far as was said when it was billed. */
  readonly tokens: number | undefined;
}

export function meterOf(task: Task, { runnable, input, deadlineAt }: Admitted, host: TaskHost): AttemptMeter {
  const { logger, prices, bridge } = host;
  const { message } = task;
  const { deliveryCount } = message;
  const config: Partial<AgentConfig> = runnable.kind === 'agent' ? runnable.config : {};
  const { agent } = task.body;
  const { model } = config;
  // Of what is done in any case the answer comes to nobody, and that is as it should be.
  const answered = message.properties[PROPERTY.cancel] === 'ignore' ? 'sum' : 'answer';
  const messagesOf = (rows: readonly CostRow[], place: Place): readonly WireMessage[] => {
    if (rows.length === 0) return NOTHING_USED;
    host.used(rows);
    const told = toldOf(task, rows, place.of, deadlineAt);
    return toMessages(task, told, place);
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
      const rows = estimatedRows(agent, estimate, model, prices);
      const lost = messagesOf(rows, { of: 'nothing', deliveryCount: deliveryCount - 1, step: 0 });
      if (lost.length > 0) await bridge.publish(lost);
    },
    bill: (attempt, isAnswer, span) => {
      const rows = meter.close(estimated, attempt);
      tokens = measuredTokens(rows);
      if (rows.length > 0) show(span, rows);
      return messagesOf(rows, { of: isAnswer ? answered : 'nothing', deliveryCount, step: 0 });
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

interface Place {
  readonly of: Told['of'];
  /** The delivery that used it. */
  readonly deliveryCount: number;
  readonly step: number;
}

function toldOf(
  { body: { execution, branch } }: Task,
  rows: readonly CostRow[],
  of: Told['of'],
  until: number,
): Told {
  return { execution, ...(branch === null ? {} : { branch }), of, rows, until: Math.ceil(until) };
}

function toMessages({ message, traceparent }: Task, told: Told, { deliveryCount, step }: Place) {
  const { replyTo, replyToSessionId: sessionId, messageId: attempt } = message;
  if (replyTo === undefined || sessionId === undefined || !keepsBooks(replyTo)) return NOTHING_USED;
  const messageId = usageMessageId(attempt, deliveryCount, step);
  const place = traceparent === undefined ? {} : { traceparent };
  return [toUsage({ entity: replyTo, sessionId, messageId, ...place }, told)];
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
