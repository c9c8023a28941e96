// Effects to outbox entries: final wire messages with their deterministic ids, before the commit, not after.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { checkActorId } from '../../../contract/border.ts';
import type { OnBehalf } from '../../../contract/control.ts';
import { isReservedType } from '../../../contract/control.ts';
import type { Effect, ReplyAddress } from '../../../contract/effect.ts';
import { actorQueue, agentQueue, EVENTS, logicQueue, REPLIES } from '../../../contract/entities.ts';
import { QuorateError } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import { isPayloadRef } from '../../../contract/payload.ts';
import { type ScatterPlan, writtenOf } from '../../../contract/scatter.ts';
import { cutText } from '../../../contract/sizes.ts';
import type { CoreState, TurnResult } from '../../../contract/turn.ts';
import { type Funds, NO_FUNDS } from '../../../contract/usage.ts';
import {
  type AnswerBody,
  PROPERTY,
  type TaskBody,
  WIRE_FORMAT,
  type WireMessage,
} from '../../../contract/wire.ts';
import { formatTraceparent } from '../../../observability/telemetry.ts';
import { toProperties } from '../../protocol/behalf.ts';
import { childBounds } from '../../protocol/bounds.ts';
import { formatFunds } from '../../protocol/budgets.ts';
import { effectMessageId, inLife, taskKey, taskMessageId } from '../../protocol/ids.ts';
import { childLineage } from '../../protocol/lineage.ts';
import { ANSWER_TTL_MS } from '../../protocol/messages.ts';
import type { OutboxEntry } from '../state/session-state.ts';
import { type ActorSpan, taskTraceparent } from '../trace.ts';

interface EncodeContext {
  readonly actor: ActorAddress;
  readonly incarnation: string;
  /** Where results and payloads of its tasks belong. */
  readonly family: string;
  /** For a child: the marks of those who wait for it. */
  readonly lineage?: string;
  readonly behalf?: OnBehalf;
  readonly epoch: string;
  /** The actor's own. */
  readonly span: ActorSpan;
  /** Known numbers of scheduled messages, for cancelling. */
  readonly scheduled: Readonly<Record<string, number>>;
  /** Those of the state before and after: one that begins and ends between the two never leaves. */
  readonly timers: { readonly before: CoreState['timers']; readonly after: CoreState['timers'] };
  readonly now: number;
  /** While it is traced: now by this machine's clock (epoch ms). */
  readonly tracedAt?: number | undefined;
  /** Under which id its machine knows what it asked for. */
  readonly childOf?: ((execution: string) => string | undefined) | undefined;
  /** Whether there is a queue for actors of this type. */
  readonly isKnownType: (type: string) => boolean;
  /** Under a budget: what an attempt with this input uses at most. */
  readonly fundsOf?: ((agent: string, input: Json, topic?: string) => Funds) | undefined;
}

/** Log effects are not messages: the caller writes them after the commit. */
export function encodeEffects(effects: TurnResult['effects'], context: EncodeContext): OutboxEntry[] {
  const entries: OutboxEntry[] = [];
  for (const { turn, index, effect } of effects) {
    const entry = encode(effect, turn, index, context);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function encode(
  effect: Effect,
  turn: number,
  index: number,
  context: EncodeContext,
): OutboxEntry | undefined {
  const { actor, incarnation } = context;
  const own = actorQueue(actor.type);
  const message = (
    entity: string,
    subject: WireMessage['subject'],
    body: Json,
    more: Partial<WireMessage> = {},
  ): OutboxEntry => {
    return {
      kind: 'message',
      message: {
        entity,
        subject,
        messageId: effectMessageId(`${entity}/${more.sessionId ?? ''}`, { ...context, turn, index }),
        body,
        traceparent: formatTraceparent(context.span),
        ...more,
        properties: {
          [PROPERTY.format]: WIRE_FORMAT,
          [PROPERTY.from]: formatAddress(actor),
          [PROPERTY.incarnation]: incarnation,
          [PROPERTY.turn]: turn,
          [PROPERTY.index]: index,
          ...context.span.carried,
          ...more.properties,
        },
      },
    };
  };
  const toActor = (
    to: ActorAddress,
    subject: WireMessage['subject'],
    body: Json,
    properties: WireMessage['properties'] = {},
  ): OutboxEntry => {
    checkAddress(to, context);
    return message(actorQueue(to.type), subject, body, { sessionId: to.id, properties });
  };

  switch (effect.kind) {
    case 'task': {
      const key = taskKey(actor, incarnation, effect.execution, null);
      const body: TaskBody = {
        kind: 'task',
        agent: effect.agent,
        input: effect.input,
        key,
        execution: effect.execution,
        branch: null,
        attempt: 1,
        deadlineAt: effect.deadlineAt,
        ...(effect.offerTtlMs === undefined ? {} : { offerTtlMs: effect.offerTtlMs }),
        ...(effect.logic === undefined ? {} : { logic: effect.logic }),
      };
      const each = effect.cancel === 'ignore' ? undefined : context.fundsOf?.(effect.agent, effect.input);
      const child = context.childOf?.(effect.execution);
      return { kind: 'message', message: taskMessage(body, context, { ...effect, each, child }) };
    }
    case 'scatter': {
      const { plan } = effect;
      const { kind } = writtenOf(plan.policy);
      const each = plan.cancel === 'ignore' ? undefined : eachOf(plan, context);
      const child = context.childOf?.(effect.execution);
      const entry: OutboxEntry = {
        kind: 'scatter',
        execution: effect.execution,
        agents: plan.agents,
        items: plan.items,
        total: effect.total,
        cursor: 0,
        deadlineAt: effect.deadlineAt,
        ...(kind === undefined ? {} : { policy: kind }),
        ...(plan.topic === undefined ? {} : { topic: plan.topic }),
        ...(plan.shared === undefined ? {} : { shared: plan.shared }),
        ...(plan.offerTtlMs === undefined ? {} : { offerTtlMs: plan.offerTtlMs }),
        ...(plan.cancel === undefined ? {} : { cancel: plan.cancel }),
        ...(each === undefined ? {} : { each }),
        ...(child === undefined ? {} : { child }),
      };
      return entry;
    }
    case 'startChild':
      return toActor(
        effect.address,
        'start',
        {
          kind: 'start',
          input: effect.input,
          parent: {
            address: { ...actor },
            reply: {
              entity: own,
              sessionId: actor.id,
              correlationId: inLife(effect.execution, incarnation),
            },
            syncSnapshot: effect.syncSnapshot,
            childId: effect.childId,
            ...(effect.system === undefined ? {} : { system: effect.system as unknown as Json }),
          },
        },
        {
          [PROPERTY.within]: true,
          [PROPERTY.family]: context.family,
          [PROPERTY.lineage]: childLineage({ ...context, actor: formatAddress(actor) }, effect.execution),
          ...toProperties(context.behalf ?? {}),
          ...childBounds(effect.bounds ?? {}),
        },
      );
    case 'stopChild':
      return toActor(
        effect.address,
        'stop',
        { kind: 'stop' },
        context.tracedAt === undefined ? {} : { [PROPERTY.stopped]: context.tracedAt },
      );
    case 'send':
      return toActor(effect.to, 'event', { kind: 'event', event: effect.event });
    case 'timer': {
      if (!Object.hasOwn(context.timers.after, effect.token)) return undefined;
      const entry = message(
        own,
        'timer',
        { kind: 'timer', token: inLife(effect.token, incarnation) },
        { sessionId: actor.id, notBefore: effect.dueAt },
      );
      return entry.kind === 'message' ? { ...entry, timer: effect.token } : entry;
    }
    case 'cancelTimer': {
      const { token } = effect;
      const timer = context.timers.before[token];
      // A timer that is due is on its way already: it is dropped where it arrives (I8).
      if (timer === undefined || timer.dueAt <= context.now) return undefined;
      const sequenceNumber = context.scheduled[token];
      return {
        kind: 'cancel',
        entity: own,
        token,
        ...(sequenceNumber === undefined ? {} : { sequenceNumber }),
      };
    }
    case 'snapshot':
      return message(
        effect.to.entity,
        'childSnapshot',
        { kind: 'childSnapshot', execution: effect.to.correlationId, snapshot: effect.snapshot },
        { sessionId: effect.to.sessionId },
      );
    case 'reply':
      if (effect.to.entity === REPLIES)
        return answer(message, effect.to, { kind: 'answer', answer: 'outcome', outcome: effect.outcome });
      return isReservedType(actor.type)
        ? granted(message, effect)
        : message(
            effect.to.entity,
            'reply',
            { kind: 'reply', execution: effect.to.correlationId, outcome: effect.outcome as unknown as Json },
            {
              sessionId: effect.to.sessionId,
              ...(effect.tasksLeft === undefined
                ? {}
                : { properties: { [PROPERTY.tasksLeft]: effect.tasksLeft } }),
            },
          );
    case 'emit':
      return message(
        EVENTS,
        'emitted',
        { kind: 'emitted', actor: formatAddress(actor), turn, event: effect.event },
        { properties: { [PROPERTY.eventType]: effect.event.type } },
      );
    case 'action':
      return {
        kind: 'action',
        name: effect.name,
        params: effect.params,
        event: effect.event,
        key: effectMessageId('action', { ...context, turn, index }),
      };
    case 'log':
      return undefined;
  }
}

function answer(
  message: (entity: string, subject: 'answer', body: Json, more: Partial<WireMessage>) => OutboxEntry,
  to: ReplyAddress,
  body: AnswerBody,
): OutboxEntry {
  return message(to.entity, 'answer', body as unknown as Json, {
    sessionId: to.sessionId,
    correlationId: to.correlationId,
    timeToLiveMs: ANSWER_TTL_MS,
  });
}

/** What an actor's host asked for; its machine never sees it. */
function granted(
  message: (entity: string, subject: 'granted', body: Json, more: Partial<WireMessage>) => OutboxEntry,
  { to, outcome }: Extract<Effect, { kind: 'reply' }>,
): OutboxEntry {
  const value = outcome.status === 'done' ? outcome.output : null;
  return message(
    to.entity,
    'granted',
    { kind: 'granted', execution: to.correlationId, value },
    { sessionId: to.sessionId },
  );
}

/** What an attempt at any of its branches uses at most. Of items that lie elsewhere nothing is known. */
function eachOf(
  { agents, items, shared, topic }: ScatterPlan,
  { fundsOf }: EncodeContext,
): Funds | undefined {
  if (fundsOf === undefined) return undefined;
  const inputs = isPayloadRef(items) ? [null] : items;
  let most = NO_FUNDS;
  for (const item of inputs)
    for (const agent of agents) {
      const { microUsd, tokens } = fundsOf(
        agent,
        { item, ...(shared === undefined ? {} : { shared }) },
        topic,
      );
      most = { microUsd: Math.max(most.microUsd, microUsd), tokens: Math.max(most.tokens, tokens) };
    }
  return most;
}

type TaskContext = Pick<EncodeContext, 'actor' | 'incarnation' | 'family' | 'lineage' | 'span' | 'behalf'>;

interface TaskMore {
  readonly cancel?: 'ignore' | undefined;
  readonly each?: Funds | undefined;
  readonly child?: string | undefined;
}

/** Of the id of an invoke: what is longer is cut. */
const MAX_CHILD_BYTES = 256;

/** One attempt of one task, as a retry or an expansion of a scatter makes it too. */
export function taskMessage(
  body: TaskBody,
  { actor, incarnation, family, lineage, span, behalf = {} }: TaskContext,
  { cancel, each, child }: TaskMore,
): WireMessage {
  return {
    entity: body.logic === undefined ? agentQueue(body.agent) : logicQueue(body.logic.type),
    subject: 'task',
    messageId: taskMessageId(body.key, body.attempt),
    replyTo: actorQueue(actor.type),
    replyToSessionId: actor.id,
    traceparent: taskTraceparent(span, actor, incarnation, body.execution, body.branch),
    properties: {
      [PROPERTY.format]: WIRE_FORMAT,
      [PROPERTY.from]: formatAddress(actor),
      [PROPERTY.execution]: body.execution,
      [PROPERTY.agent]: body.agent,
      [PROPERTY.attempt]: body.attempt,
      [PROPERTY.deadline]: body.deadlineAt,
      [PROPERTY.family]: family,
      ...span.carried,
      ...(lineage === undefined ? {} : { [PROPERTY.lineage]: lineage }),
      ...toProperties(behalf),
      ...(cancel === undefined ? {} : { [PROPERTY.cancel]: cancel }),
      ...(each === undefined ? {} : { [PROPERTY.budget]: formatFunds(each) }),
      ...(body.branch === null ? {} : { [PROPERTY.branch]: body.branch }),
      ...(child === undefined ? {} : { [PROPERTY.child]: cutText(child, MAX_CHILD_BYTES) }),
    },
    body: { ...body, execution: inLife(body.execution, incarnation) },
  };
}

/** A machine may name any peer: an address that no queue would take is found before the commit (I2). */
function checkAddress({ type, id }: ActorAddress, { isKnownType }: EncodeContext): void {
  if (typeof type !== 'string' || !isKnownType(type))
    throw new QuorateError('MACHINE_NOT_FOUND', `an event for an actor of type '${type}'`);
  checkActorId(id, `an event for ${type}`);
}
