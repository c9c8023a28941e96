// Subscriptions of topics as a process pumps them: each copy is handled as a task of the agent that the configuration names for the
// subscription (actors/protocol/broadcast.ts). What nobody waits for is completed without a word.
import { ofSubscription, type Subscription } from '../actors/protocol/broadcast.ts';
import type { ResolvedConfig } from '../contract/config.ts';
import { subscriptionEntity } from '../contract/entities.ts';
import type { Disposition } from '../contract/ports.ts';
import type { InboundMessage } from '../contract/wire.ts';

export interface Source {
  readonly entity: string;
  readonly subscription: Subscription;
}

/** Subscriptions of topics whose copies this agent does; without an agent, all of them. */
export function subscriptionsOf({ topics = {} }: ResolvedConfig, agent?: string): readonly Source[] {
  return Object.entries(topics).flatMap(([topic, { subscriptions }]) =>
    Object.entries(subscriptions)
      .map(([name, by]) => ({ entity: subscriptionEntity(topic, name), subscription: { name, agent: by } }))
      .filter(({ subscription }) => agent === undefined || subscription.agent === agent),
  );
}

type Handler<A extends unknown[]> = (message: InboundMessage, ...more: A) => Promise<Disposition>;

/** Hands each copy on as its agent's task. */
export function ofCopies<A extends unknown[]>(subscription: Subscription, handle: Handler<A>): Handler<A> {
  return async (copy, ...more) => {
    const message = ofSubscription(copy, subscription);
    return message === undefined ? { kind: 'complete' } : handle(message, ...more);
  };
}
