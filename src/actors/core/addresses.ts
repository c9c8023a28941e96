// By what addresses an actor is known outside: itself, its parent, its children, and those it has heard of by system id.
import type { AnyActorRef } from 'xstate';
import type { ActorAddress } from '../../contract/address.ts';
import type { Draft } from './draft.ts';
import type { AddressOf } from './references.ts';
import { PARENT_ID, SELF_ID } from './references.ts';

/** What other actors know this actor, its parent and its children by. */
export function addressesOf(draft: Draft): AddressOf {
  return (id) => {
    if (id === SELF_ID) return draft.request.address;
    if (id === PARENT_ID) return draft.life?.parent?.address;
    return childAddress(draft, id);
  };
}

function childAddress(draft: Draft, childId: string): ActorAddress | undefined {
  const execution = draft.executions.get(draft.executionOf(childId) ?? '');
  return execution?.kind === 'child' ? execution.address : undefined;
}

/** System ids that a child is born with: those that this actor was born with, and its own children's. */
export function namesOf(
  draft: Draft,
  children: Readonly<Record<string, AnyActorRef>>,
): Readonly<Record<string, ActorAddress>> {
  const own = Object.entries(children).flatMap(([name, { id }]) => {
    const address = childAddress(draft, id);
    return address === undefined ? [] : [[name, address] as const];
  });
  const all = [...Object.entries(draft.life?.parent?.system ?? {}), ...own];
  return Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))));
}
