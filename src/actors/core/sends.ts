// Where an event that a machine sends ends up: with itself in the same turn, in another actor's session, or nowhere.
import type { AnyActorRef, EventObject } from 'xstate';
import type { ActorAddress } from '../../contract/address.ts';
import { isReservedEvent } from '../../contract/events.ts';
import type { ActionContext, RaiseParams, SendParams } from './action-context.ts';
import type { Draft } from './draft.ts';
import { toEventOutside } from './json.ts';
import { setTimer } from './timers.ts';

/** Immediate raises are already consumed inside the macrostep. */
export function applyRaise(draft: Draft, { event, id, delay }: RaiseParams): void {
  if (delay === undefined) return;
  // Without an id the token names it: two unnamed delayed raises never cancel each other.
  const kept = toEventOutside(event, `raise of machine '${draft.request.address.type}'`);
  setTimer(draft, delay, (token) => ({ kind: 'raise', event: kept, sendId: id ?? token }));
}

export function applySend(context: ActionContext, params: SendParams): void {
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
