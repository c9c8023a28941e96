// Actions that their sessions did not wait for: slow ones whose host died meanwhile, those that found no thread, and those
// that took theirs down. Each runs here at least once, its attempts counted, until it is over or goes to remediation (I7).
import { limitSignal } from '../../../common/signals.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { Payloads } from '../../../contract/payload.ts';
import type { Bridge, Clock, Disposition, Logger, WorkerPool } from '../../../contract/ports.ts';
import type { MachineRef } from '../../../contract/turn.ts';
import { type ActionBody, type InboundMessage, PROPERTY, type WireMessage } from '../../../contract/wire.ts';
import { isUnreadable, openClaims, removeClaims } from '../../protocol/claims.ts';
import { actionMessageId } from '../../protocol/ids.ts';
import { parseActionBody } from '../../protocol/messages.ts';
import { MAX_UNFINISHED } from '../../protocol/retries.ts';
import { MAX_ATTEMPTS } from '../run/attempts.ts';
import { actionEnd } from './custom-actions.ts';

/** Pause before an action that ended its thread is begun again, times the number of the attempt. */
const AGAIN_MS = 1_000;

interface ActionQueueHost {
  readonly entity: string;
  /** The machine as of that version, or as it is here. */
  readonly machine: (version: string) => MachineRef;
  readonly pool: WorkerPool;
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly turnTimeoutMs: number;
  /** Aborts when the grace of a shutdown is over. */
  readonly shutdown: AbortSignal;
}

const COMPLETE: Disposition = { kind: 'complete' };

export function createActionHandler(
  host: ActionQueueHost,
): (message: InboundMessage, lost: AbortSignal) => Promise<Disposition> {
  return async (message, lost) => {
    let opened: InboundMessage;
    try {
      opened = await openClaims(message, host.payloads);
    } catch (thrown) {
      const error = toErrorJson(thrown, 'INTERNAL');
      if (!isUnreadable(error.code)) throw thrown;
      return { kind: 'deadLetter', reason: error.code, description: error.message };
    }
    const parsed = parseActionBody(opened);
    if (!parsed.ok) return { kind: 'deadLetter', reason: 'INPUT_INVALID', description: parsed.why };
    const action = parsed.body;
    if (message.deliveryCount >= MAX_UNFINISHED)
      return poisoned(action, `the host was gone each of ${message.deliveryCount} times before it was over`);
    const actor = String(message.properties[PROPERTY.from] ?? '');
    const say = (what: string, { code, message: why }: ErrorJson): void =>
      host.logger.error(`${what}: ${why}`, { code, actor, turn: action.turn });
    const { name, params, event, context, version } = action;
    const stopped = limitSignal({ sources: [lost, host.shutdown] });
    const response = await host.pool
      .run(
        { kind: 'action', machine: host.machine(version), name, params, event, context },
        { timeoutMs: host.turnTimeoutMs, signal: stopped.signal },
      )
      .finally(stopped.release);
    const end = actionEnd(response, (error) => say(`action ${name} failed`, error));
    switch (end.kind) {
      case 'withdrawn':
        // Back to the queue with its lock: another host begins it.
        throw new Error('the action was not run here to its end');
      case 'cut': {
        const { attempt } = action;
        if (attempt >= MAX_ATTEMPTS)
          return poisoned(action, `${end.error.code} on each of ${attempt} attempts: ${end.error.message}`);
        say(`action ${name} was cut short, it is begun again`, end.error);
        await host.bridge.publish([again(action, message, host)]);
        return COMPLETE;
      }
      case 'ended':
        await removeClaims(message, host.payloads).catch(() => {});
        return COMPLETE;
    }
  };
}

function poisoned({ name }: ActionBody, why: string): Disposition {
  return { kind: 'deadLetter', reason: 'ACTION_POISONED', description: `action ${name}: ${why}` };
}

/** What it claimed stays claimed. */
function again(
  { key, attempt }: ActionBody,
  message: InboundMessage,
  { entity, clock }: ActionQueueHost,
): WireMessage {
  const next = attempt + 1;
  return {
    entity,
    subject: 'action',
    messageId: actionMessageId(key, next),
    notBefore: clock.now() + AGAIN_MS * attempt,
    properties: { ...message.properties, [PROPERTY.attempt]: next },
    ...(message.replyTo === undefined ? {} : { replyTo: message.replyTo }),
    ...(message.replyToSessionId === undefined ? {} : { replyToSessionId: message.replyToSessionId }),
    ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    body: { ...(message.body as Record<string, Json>), attempt: next },
  };
}
