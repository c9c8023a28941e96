// The span of one batch, as OpenTelemetry has it for messages that are processed together: one, with links to what sent them.
import { SpanKind } from '@opentelemetry/api';
import { isReservedType } from '../../contract/control.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import {
  ATTR,
  formatTraceparent,
  inSpan,
  isTracing,
  MESSAGING_SYSTEM,
  SPAN,
} from '../../observability/telemetry.ts';
import type { HeldActor } from './held-actor.ts';
import { actorSpan } from './trace.ts';

/** Requests that clients repeat often: they get no spans. */
const UNTRACED: ReadonlySet<string> = new Set(['query', 'await', 'watch', 'release', 'purge']);
/** Links that one span may have. */
const MOST_LINKS = 128;

export function inBatchSpan<T>(
  held: HeldActor,
  messages: readonly InboundMessage[],
  work: () => Promise<T>,
): Promise<T> {
  const worth = messages.filter(({ subject }) => !UNTRACED.has(subject));
  // What processes say to a limiter would be more than all else.
  if (worth.length === 0 || !isTracing() || isReservedType(held.address.type)) return work();
  const { entity } = held.session;
  return inSpan(
    SPAN.process(entity),
    {
      kind: SpanKind.CONSUMER,
      parent: spanParent(held, worth),
      links: worth
        .slice(0, MOST_LINKS)
        .flatMap(({ traceparent }) => (traceparent === undefined ? [] : [traceparent])),
      attributes: {
        [ATTR.messagingSystem]: MESSAGING_SYSTEM,
        [ATTR.messagingDestination]: entity,
        [ATTR.messagingOperationName]: 'process',
        [ATTR.messagingOperationType]: 'process',
        [ATTR.messagingBatchCount]: messages.length,
        [ATTR.actor]: held.name,
      },
    },
    work,
  );
}

/** The span of the actor, also of one that this batch starts. A message that finds no actor stays in its sender's trace. */
function spanParent(
  { state, address, newborn }: HeldActor,
  messages: readonly InboundMessage[],
): string | undefined {
  const { core, traceparent } = state;
  if (core !== null) return formatTraceparent(actorSpan(traceparent, address, core.incarnation));
  const start = messages.find(mayStart);
  return start === undefined
    ? messages[0]?.traceparent
    : formatTraceparent(actorSpan(start.traceparent, address, newborn));
}

function mayStart({ subject, body }: InboundMessage): boolean {
  return subject === 'start' || (subject === 'event' && Object.hasOwn(Object(body), 'start'));
}
