// What people see of the actors that keep what all processes share: computed from the committed state, without a turn, so that a console
// which looks every second costs no commit. It is what the same order would be answered with, and nothing else of it happens.
import { controlAddress, type Reducer } from '../contract/control.ts';
import type { ReplyAddress } from '../contract/effect.ts';
import type { EventJson, Json } from '../contract/json.ts';
import { reduceAsks } from './asks/asks.ts';
import { reduceLimit } from './limit/limiter.ts';
import { reduceOrders } from './orders/orders.ts';
import { reduceTenant } from './tenant/tenant.ts';

type AnyReducer = (state: never, event: EventJson, now: number) => ReturnType<Reducer<unknown>>;

const BY_TYPE: ReadonlyMap<string, AnyReducer> = new Map<string, AnyReducer>([
  [controlAddress('asks', '').type, reduceAsks],
  [controlAddress('limit', '').type, reduceLimit],
  [controlAddress('tenant', '').type, reduceTenant],
  [controlAddress('orders', '').type, reduceOrders],
]);

/** Only looked for among the answers. */
const ASKER: ReplyAddress = { entity: 'replies', sessionId: 'look', correlationId: 'look' };

/**
 * `context` is that of the actor's machine, `what` says what is wanted. Undefined for a type that has nothing to show, and for
 * what it does not know.
 */
export function look(type: string, context: Json, what: Json, now: number): Json | undefined {
  const reduce = BY_TYPE.get(type);
  if (reduce === undefined || typeof what !== 'object' || what === null || Array.isArray(what))
    return undefined;
  const { state } = (context ?? {}) as { readonly state?: Json };
  const event: EventJson = { ...(what as object), type: 'order', id: 'look', from: { ...ASKER } };
  const { answers } = reduce((state ?? undefined) as never, event, now);
  return answers.find(({ to }) => to.sessionId === ASKER.sessionId)?.value;
}
