// Makes the SDK's calls of a disposition, so that each message gets its own.
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import type { Disposition } from '../contract/ports.ts';
import { PROPERTY } from '../contract/wire.ts';
import { immediate } from './time/waiting.ts';

/** What Service Bus takes for a reason and for a description; longer texts fail the settlement. */
const LONGEST_TEXT = 4_096;

/** Settlements of one link that are alike, from the first that is asked for until the last is confirmed. */
interface Run {
  readonly outcome: string;
  /** The settlements before it in this tick are written first. */
  readonly begun: Promise<void>;
  open: number;
  /** Others wait for its end: it takes no more. */
  closed: boolean;
  readonly over: Promise<void>;
  readonly end: () => void;
}

const runs = new WeakMap<ServiceBusReceiver, Run>();

/**
 * rhea 3.0.5 writes neighbours that are settled in one tick as one range with the outcome of the first (`session.js`,
 * write_dispositions): a dead letter beside a completed message was completed, and lost. So only those that are alike may
 * share a tick (docs/decisions/0009); the others wait for their end, in the order in which they were asked for.
 */
export async function settleWith(
  receiver: ServiceBusReceiver,
  raw: ServiceBusReceivedMessage,
  disposition: Disposition,
): Promise<void> {
  const outcome = JSON.stringify(disposition);
  for (let run = runs.get(receiver); run !== undefined; run = runs.get(receiver)) {
    if (run.outcome === outcome && !run.closed) break;
    run.closed = true;
    await run.over;
  }
  // Completes are alike and need no run: each is written in the tick in which it is asked for.
  if (disposition.kind === 'complete') return receiver.completeMessage(raw);
  const run = runs.get(receiver) ?? begin(receiver, outcome);
  run.open += 1;
  try {
    await run.begun;
    await settleAlike(receiver, raw, disposition);
  } finally {
    run.open -= 1;
    if (run.open === 0) {
      runs.delete(receiver);
      run.end();
    }
  }
}

function begin(receiver: ServiceBusReceiver, outcome: string): Run {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const run: Run = { outcome, begun: immediate(), open: 0, closed: false, over, end };
  runs.set(receiver, run);
  return run;
}

function settleAlike(
  receiver: ServiceBusReceiver,
  raw: ServiceBusReceivedMessage,
  disposition: Exclude<Disposition, { kind: 'complete' }>,
): Promise<void> {
  if (disposition.kind === 'defer')
    return receiver.deferMessage(raw, {
      ...(disposition.handled === true ? { [PROPERTY.handled]: true } : {}),
      ...(disposition.edited === undefined ? {} : { [PROPERTY.edited]: disposition.edited }),
    });
  return receiver.deadLetterMessage(raw, {
    deadLetterReason: disposition.reason.slice(0, LONGEST_TEXT),
    deadLetterErrorDescription: disposition.description.slice(0, LONGEST_TEXT),
    ...(disposition.handled === true ? { [PROPERTY.handled]: true } : {}),
  });
}
