// Turns XState's actions into effects: one case for each action. It also decides where an event goes that a machine sends.
// XState has consumed immediate raises inside the macrostep already.
import type { AnyActorRef, AnyStateMachine, EventObject } from 'xstate';
import type { ActorAddress } from '../../contract/address.ts';
import { isReservedEvent } from '../../contract/border.ts';
import {
  ANSWER_ACTION,
  type ControlAnswer,
  type ControlNotice,
  isReservedType,
  NOTIFY_ACTION,
} from '../../contract/control.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Outcome } from '../../contract/outcome.ts';
import { toPlain } from '../../contract/plain.ts';
import { type Asked, CLOSE_ASK, OPEN_ASK } from './ask-meta.ts';
import { closeQuestionsOf, openQuestion } from './asks.ts';
import { takeLevel, takeTasks } from './bounds.ts';
import { addressesOf, type Draft, namesOf } from './draft.ts';
import { closeExecution, openExecution } from './executions.ts';
import { ignoresCancel, isNamedInvoke } from './invokes.ts';
import type { LiveMachine } from './live.ts';
import { resolveSource } from './logic.ts';
import type { AddressOf } from './references.ts';
import type { ReportedAction } from './scope.ts';
import { cancelTimersNamed, setTimer } from './timers.ts';
import { toEventOutside, toOutside } from './to-json.ts';

interface RaiseParams {
  readonly event: EventObject;
  readonly id?: string;
  readonly delay?: number;
}

interface SendParams extends RaiseParams {
  readonly to: AnyActorRef | ActorAddress;
}

/** What a machine is told in the same turn, after this macrostep: events to itself, and ends of children. */
export type Pending =
  | { readonly event: EventObject }
  | { readonly childId: string; readonly outcome: Outcome };

interface ActionContext {
  readonly draft: Draft;
  readonly live: LiveMachine;
  /** Holds its author's implementations: they decide what a name stands for. */
  readonly machine: AnyStateMachine;
  readonly pending: Pending[];
  /** For what leaves the actor. */
  readonly addressOf: AddressOf;
  /** Children that this macrostep starts; entry actions may send to an invoked child before its start is reported. */
  readonly starting: Map<AnyActorRef, SendParams[]>;
}

// Where an event that a machine sends ends up: with itself in the same turn, in another actor's session, or nowhere.

/** Immediate raises are already consumed inside the macrostep. */
function applyRaise(draft: Draft, { event, id, delay }: RaiseParams): void {
  if (delay === undefined) return;
  // A raise without an id is named by its token: two unnamed delayed raises never cancel each other.
  const kept = toEventOutside(event, `raise of machine '${draft.request.address.type}'`);
  setTimer(draft, delay, (token) => ({ kind: 'raise', event: kept, sendId: id ?? token }));
}

function applySend(context: ActionContext, params: SendParams): void {
  const { draft, pending, starting } = context;
  const early = starting.get(params.to as AnyActorRef);
  if (early !== undefined) {
    early.push(params);
    return;
  }
  const target = targetOf(context, params.to);
  switch (target.kind) {
    case 'self':
      if (params.delay === undefined) pending.push({ event: params.event });
      else applyRaise(draft, params);
      return;
    case 'actor':
      return sendAway(context, target.to, params);
    case 'nobody':
      drop(draft, params.event, target.why);
  }
}

function sendAway({ draft, addressOf }: ActionContext, to: ActorAddress, params: SendParams): void {
  const of = `machine '${draft.request.address.type}' to ${to.type}/${to.id}`;
  const event = toEventOutside(params.event, of, addressOf);
  // forwardTo() under a wildcard forwards XState's own events too; the receiver would refuse them.
  if (isReservedEvent(event.type))
    return drop(draft, event, 'events of XState and Quorate stay with their actor');
  if (params.delay === undefined) draft.ask({ kind: 'send', to, event });
  else setTimer(draft, params.delay, (token) => ({ kind: 'send', to, event, sendId: params.id ?? token }));
}

function drop(draft: Draft, { type }: EventObject, why: string): void {
  draft.ask({ kind: 'log', label: 'event dropped', value: { event: type, why } });
}

type Target =
  | { readonly kind: 'self' }
  | { readonly kind: 'actor'; readonly to: ActorAddress }
  | { readonly kind: 'nobody'; readonly why: string };

function targetOf({ draft, live }: ActionContext, to: AnyActorRef | ActorAddress): Target {
  if (to === live.turn.self) return { kind: 'self' };
  if (to === live.turn.parent) {
    const parent = draft.life?.parent?.address;
    return parent === undefined
      ? { kind: 'nobody', why: 'this actor has no parent' }
      : { kind: 'actor', to: parent };
  }
  // A peer: any { type, id } that is no reference of XState's.
  if (!('sessionId' in to)) return peerOf(draft, to);
  const id = draft.executionOf(to.id);
  const execution = id === undefined ? undefined : draft.executions.get(id);
  if (execution === undefined) return { kind: 'nobody', why: `child '${to.id}' has ended` };
  if (execution.kind === 'child') return { kind: 'actor', to: execution.address };
  return { kind: 'nobody', why: `child '${to.id}' is a ${execution.kind}, which takes no events` };
}

function peerOf({ request }: Draft, { type, id }: ActorAddress): Target {
  if (typeof type !== 'string' || typeof id !== 'string')
    throw new TypeError('sendTo() takes the id of a child, an actor reference, or an address { type, id }');
  const own = request.address;
  return type === own.type && id === own.id ? { kind: 'self' } : { kind: 'actor', to: { type, id } };
}

/** All actions of one macrostep, in order. */
export function applyActions(
  common: Omit<ActionContext, 'starting' | 'addressOf'>,
  actions: readonly ReportedAction[],
): void {
  const { draft, live } = common;
  const starting = new Map<AnyActorRef, SendParams[]>();
  for (const { type, params } of actions) {
    if (type === 'xstate.spawnChild') starting.set((params as SpawnParams).actorRef, []);
  }
  const spawns = starting.size > 0;
  const context = { ...common, addressOf: addressesOf(draft), starting };
  for (const action of actions) applyAction(context, action);
  if (spawns) draft.nameActors(namesOf(draft, live.turn.named()));
}

function applyAction(context: ActionContext, action: ReportedAction): void {
  const { draft, addressOf } = context;
  switch (action.type) {
    case 'xstate.raise':
      return applyRaise(draft, action.params as RaiseParams);
    case 'xstate.sendTo':
      return applySend(context, action.params as SendParams);
    case 'xstate.spawnChild':
      return applySpawn(context, action.params as SpawnParams);
    case 'xstate.stopChild': {
      const child = action.params as AnyActorRef | undefined;
      const execution = child === undefined ? undefined : draft.executionOf(child.id);
      if (execution !== undefined) closeExecution(draft, execution, 'stop');
      return;
    }
    case 'xstate.cancel':
      return cancelTimersNamed(draft, (action.params as { sendId: string }).sendId);
    case 'xstate.emit': {
      const { event } = action.params as { event: EventObject };
      const emitted = toEventOutside(event, `emit of ${machineOf(draft)}`, addressOf, 'OUTPUT_INVALID');
      return draft.ask({ kind: 'emit', event: emitted });
    }
    case 'xstate.log': {
      const { label, value } = action.params as { label?: string; value: unknown };
      return draft.ask({ kind: 'log', label: label ?? null, value: toPlain(value) });
    }
    case OPEN_ASK:
      return openQuestion(draft, action.params as Asked);
    case CLOSE_ASK:
      return closeQuestionsOf(draft, (action.params as { readonly state: string }).state);
    default:
      return applyCustom(context, action);
  }
}

interface SpawnParams {
  readonly actorRef: AnyActorRef & { readonly _syncSnapshot?: boolean };
  readonly src: unknown;
  readonly input: unknown;
}

function applySpawn(context: ActionContext, { actorRef, src, input }: SpawnParams): void {
  const { addressOf, draft, machine, pending, starting } = context;
  const { address, registry } = draft.request;
  if (typeof src !== 'string' || src.startsWith('xstate.invoke.')) {
    throw new QuorateError(
      'MACHINE_NOT_DURABLE',
      `machine '${address.type}': child '${actorRef.id}' has an inline logic; name it in setup({ actors })`,
    );
  }
  // A bound of the run has ended it in this very turn.
  if (draft.life?.status !== 'active') return;
  const source = resolveSource(machine, address.type, src, registry);
  if (source.kind === 'machine' && !takeLevel(draft)) return;
  const opened = openExecution(draft, source, {
    childId: actorRef.id,
    src,
    input: toOutside(
      input,
      { of: `'${actorRef.id}' of ${machineOf(draft)}`, path: 'input', code: 'INPUT_INVALID' },
      addressOf,
    ),
    syncSnapshot: actorRef._syncSnapshot === true,
    ...(isNamedInvoke(machine, actorRef.id) ? { invoked: true as const } : {}),
    ...(ignoresCancel(machine, actorRef.id) ? { cancel: 'ignore' as const } : {}),
  });
  if (opened.kind === 'complete')
    pending.push({ childId: actorRef.id, outcome: { status: 'done', output: opened.output } });
  else takeTasks(draft, opened.tasks);
  const early = starting.get(actorRef) ?? [];
  starting.delete(actorRef);
  for (const params of early) applySend(context, params);
}

function applyCustom(
  { addressOf, draft, machine }: ActionContext,
  { type, params, event, exec }: ReportedAction,
): void {
  if (type === ANSWER_ACTION && isReservedType(draft.request.address.type)) {
    const { to, value } = params as ControlAnswer;
    return draft.ask({ kind: 'reply', to, outcome: { status: 'done', output: value } });
  }
  if (type === NOTIFY_ACTION && isReservedType(draft.request.address.type)) return notify(draft, params);
  // Named but not implemented: XState does nothing, and so do we.
  if (exec === undefined) return;
  if (machine.implementations.actions[type] !== exec) {
    throw new QuorateError(
      'MACHINE_NOT_DURABLE',
      `machine '${draft.request.address.type}': inline action '${type}' can not run after a commit in another process; name it in setup({ actions })`,
    );
  }
  const of = `action '${type}' of ${machineOf(draft)}`;
  draft.ask({
    kind: 'action',
    name: type,
    params: toOutside(params ?? null, { of, path: 'params', code: 'INPUT_INVALID' }, addressOf),
    event: toEventOutside(event, of, addressOf),
  });
}

/** It may take as long as somebody could want to know. */
const NOTICE_MS = 86_400_000;

function notify(draft: Draft, params: unknown): void {
  const { agent, input } = params as ControlNotice;
  const execution = draft.nextExecutionId();
  draft.ask({ kind: 'task', execution, agent, input, deadlineAt: draft.now + NOTICE_MS, cancel: 'ignore' });
}

function machineOf({ request }: Draft): string {
  return `machine '${request.address.type}'`;
}
