// XState's actions to effects, one case an action. Immediate raises are already consumed inside the macrostep.
import type { AnyActorRef, AnyStateMachine, EventObject } from 'xstate';
import type { ActorAddress } from '../../contract/address.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Draft } from './draft.ts';
import { closeExecution, openExecution } from './executions.ts';
import { toEventJson, toJson } from './json.ts';
import type { LiveMachine, ReportedAction } from './live.ts';
import { resolveSource } from './resolve.ts';
import { cancelTimersNamed, setTimer } from './timers.ts';

export interface ActionContext {
  readonly draft: Draft;
  readonly live: LiveMachine;
  /** With its author's implementations: they decide what a name stands for. */
  readonly machine: AnyStateMachine;
  /** Events that the machine sends itself: applied in the same turn, after this macrostep. */
  readonly pending: EventObject[];
  /** Children that this macrostep starts; entry actions may send to an invoked child before its start is reported. */
  readonly starting: Map<AnyActorRef, SendParams[]>;
}

/** All actions of one macrostep, in order. */
export function applyActions(
  common: Omit<ActionContext, 'starting'>,
  actions: readonly ReportedAction[],
): void {
  const starting = new Map<AnyActorRef, SendParams[]>();
  for (const { type, params } of actions) {
    if (type === 'xstate.spawnChild') starting.set((params as SpawnParams).actorRef, []);
  }
  for (const action of actions) applyAction({ ...common, starting }, action);
}

function applyAction(context: ActionContext, action: ReportedAction): void {
  const { draft } = context;
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
    case 'xstate.emit':
      return draft.ask({ kind: 'emit', event: toEventJson((action.params as { event: EventObject }).event) });
    case 'xstate.log': {
      const { label, value } = action.params as { label?: string; value: unknown };
      return draft.ask({ kind: 'log', label: label ?? null, value: toJson(value) });
    }
    default:
      return applyCustom(context, action);
  }
}

interface RaiseParams {
  readonly event: EventObject;
  readonly id?: string;
  readonly delay?: number;
}

function applyRaise(draft: Draft, { event, id, delay }: RaiseParams): void {
  if (delay === undefined) return;
  // Without an id the token names it: two unnamed delayed raises never cancel each other.
  setTimer(draft, delay, (token) => ({ kind: 'raise', event: toEventJson(event), sendId: id ?? token }));
}

interface SendParams extends RaiseParams {
  readonly to: AnyActorRef | ActorAddress;
}

function applySend(context: ActionContext, params: SendParams): void {
  const { draft, pending, starting } = context;
  const early = starting.get(params.to as AnyActorRef);
  if (early !== undefined) {
    early.push(params);
    return;
  }
  const event = toEventJson(params.event);
  const target = targetOf(context, params.to);
  switch (target.kind) {
    case 'self':
      if (params.delay === undefined) pending.push(event);
      else applyRaise(draft, params);
      return;
    case 'actor': {
      const { to } = target;
      if (params.delay === undefined) draft.ask({ kind: 'send', to, event });
      else
        setTimer(draft, params.delay, (token) => ({ kind: 'send', to, event, sendId: params.id ?? token }));
      return;
    }
    case 'nobody':
      draft.ask({ kind: 'log', label: 'event dropped', value: { event: event.type, why: target.why } });
  }
}

type Target =
  | { readonly kind: 'self' }
  | { readonly kind: 'actor'; readonly to: ActorAddress }
  | { readonly kind: 'nobody'; readonly why: string };

function targetOf({ draft, live }: ActionContext, to: AnyActorRef | ActorAddress): Target {
  if (to === live.self) return { kind: 'self' };
  if (to === live.parent) {
    const parent = draft.life?.parent?.address;
    return parent === undefined
      ? { kind: 'nobody', why: 'this actor has no parent' }
      : { kind: 'actor', to: parent };
  }
  // A peer: any { type, id } that is no reference of XState's.
  if (!('sessionId' in to)) return { kind: 'actor', to: { type: to.type, id: to.id } };
  const id = draft.executionOf(to.id);
  const execution = id === undefined ? undefined : draft.executions.get(id);
  if (execution === undefined) return { kind: 'nobody', why: `child '${to.id}' has ended` };
  if (execution.kind === 'child') return { kind: 'actor', to: execution.address };
  return { kind: 'nobody', why: `child '${to.id}' is a ${execution.kind}, which takes no events` };
}

interface SpawnParams {
  readonly actorRef: AnyActorRef & { readonly _syncSnapshot?: boolean };
  readonly src: unknown;
  readonly input: unknown;
}

function applySpawn(context: ActionContext, { actorRef, src, input }: SpawnParams): void {
  const { draft, machine, pending, starting } = context;
  if (typeof src !== 'string' || src.startsWith('xstate.invoke.')) {
    throw new QuorateError(
      'MACHINE_NOT_DURABLE',
      `child '${actorRef.id}' has an inline logic; name it in setup({ actors })`,
    );
  }
  const { address, registry } = draft.request;
  const opened = openExecution(draft, resolveSource(machine, address.type, src, registry), {
    childId: actorRef.id,
    src,
    input: toJson(input),
    syncSnapshot: actorRef._syncSnapshot === true,
  });
  if (opened.kind === 'complete') pending.push(doneEvent(actorRef.id, opened.output));
  const early = starting.get(actorRef) ?? [];
  starting.delete(actorRef);
  for (const params of early) applySend(context, params);
}

export function doneEvent(
  childId: string,
  output: unknown,
): EventObject & { output: unknown; actorId: string } {
  return { type: `xstate.done.actor.${childId}`, output, actorId: childId };
}

function applyCustom({ draft, machine }: ActionContext, { type, params, event, exec }: ReportedAction): void {
  // Named but not implemented: XState does nothing, and so do we.
  if (exec === undefined) return;
  if (machine.implementations.actions[type] !== exec) {
    throw new QuorateError(
      'MACHINE_NOT_DURABLE',
      `inline action '${type}' can not run after a commit in another process; name it in setup({ actions })`,
    );
  }
  draft.ask({ kind: 'action', name: type, params: toJson(params), event: toEventJson(event) });
}
