// The span of one batch, as OpenTelemetry has it for messages that are processed together: one, with links to what sent them. It
// lies in its actor's time: the batch that ends the actor is over with its commit, and what comes later is a trace of its own.
import { SpanKind } from '@opentelemetry/api';
import { isReservedType } from '../../contract/control.ts';
import { MAX_LINKS } from '../../contract/turn.ts';
import { type InboundMessage, PROPERTY } from '../../contract/wire.ts';
import { ATTR, MESSAGING_SYSTEM, SPAN } from '../../observability/span-names.ts';
import {
  formatTraceparent,
  inSpan,
  isTracing,
  type SpanInput,
  traceNow,
} from '../../observability/telemetry.ts';
import type { HeldActor } from './held-actor.ts';
import { actorSpan, type BatchTrace, originOf } from './trace.ts';

/** Requests that clients repeat often: they get no spans. */
const UNTRACED: ReadonlySet<string> = new Set(['query', 'await', 'watch', 'release', 'purge']);
/** What is worth one when the actor is over: not that its timers run out. */
const WORTH_LATE: ReadonlySet<string> = new Set(['start', 'event', 'reply']);

export async function inBatchSpan<T>(
  held: HeldActor,
  messages: readonly InboundMessage[],
  work: () => Promise<T>,
): Promise<T> {
  // What processes say to a limiter would be more than all else.
  if (!isTracing() || isReservedType(held.address.type)) return work();
  const isOver = held.state.core !== null && held.state.core.status !== 'active';
  const worth = messages.filter(({ subject }) => (isOver ? WORTH_LATE.has(subject) : !UNTRACED.has(subject)));
  const now = traceNow();
  const told = isOver ? undefined : stoppedAt(messages);
  const trace: BatchTrace = told === undefined ? { begunAt: now } : { begunAt: told, isTold: true };
  held.trace = trace;
  try {
    if (worth.length === 0) return await work();
    const place = placeOf(held, worth, now);
    const input = {
      ...place,
      kind: SpanKind.CONSUMER,
      startTime: now,
      endTime: () => (place.parent === undefined ? undefined : trace.overAt),
      attributes: attributesOf(held, messages),
    };
    return await inSpan(SPAN.process(held.session.entity), input, work);
  } finally {
    held.trace = undefined;
  }
}

/** In the actor's time and trace, or behind them. A message that finds no actor stays in its sender's trace. */
function placeOf(
  { state, address, newborn }: HeldActor,
  worth: readonly InboundMessage[],
  now: number,
): Pick<SpanInput, 'parent' | 'links'> {
  const sent = worth.flatMap(({ traceparent }) => (traceparent === undefined ? [] : [traceparent]));
  const links = [...new Set(sent)].slice(0, MAX_LINKS);
  const { core } = state;
  if (core !== null) {
    const own = actorSpan(state, address, core.incarnation);
    const others = links.filter((link) => link !== formatTraceparent(own));
    const isLate = core.status !== 'active' || stoppedAt(worth) !== undefined;
    // Not to its parent: Jaeger would take it for what follows that, and not for its child.
    if (!isLate) return { parent: own, links: others };
    return { parent: undefined, links: [own, ...others].slice(0, MAX_LINKS) };
  }
  const start = worth.find(mayStart);
  if (start === undefined) return { parent: worth[0]?.traceparent, links };
  return { parent: actorSpan(originOf(start, now), address, newborn), links };
}

/** Its parent is over, or has let go of it: a child is over then, whenever it hears of it. */
function stoppedAt(messages: readonly InboundMessage[]): number | undefined {
  const stop = messages.find(({ subject, properties }) => subject === 'stop' && properties[PROPERTY.stopped]);
  const at = Number(stop?.properties[PROPERTY.stopped]);
  return Number.isFinite(at) && at > 0 ? at : undefined;
}

function attributesOf({ session, name, host }: HeldActor, messages: readonly InboundMessage[]) {
  const enqueuedAt = Math.min(...messages.map((message) => message.enqueuedAt));
  return {
    [ATTR.messagingSystem]: MESSAGING_SYSTEM,
    [ATTR.messagingDestination]: session.entity,
    [ATTR.messagingOperationName]: 'process',
    [ATTR.messagingOperationType]: 'process',
    [ATTR.messagingBatchCount]: messages.length,
    [ATTR.queueWait]: Math.max(0, host.clock.now() - enqueuedAt),
    [ATTR.actor]: name,
    [ATTR.machine]: host.machine.type,
    [ATTR.machineVersion]: host.machine.version,
  };
}

function mayStart({ subject, body }: InboundMessage): boolean {
  return subject === 'start' || (subject === 'event' && Object.hasOwn(Object(body), 'start'));
}
