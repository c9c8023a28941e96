// How a machine ends with status 'error' without throwing, so that its parent's `onError` is taken: XState ends it so when
// an actor's error reaches it that nothing handles. A throw in an action would be a poisoned turn instead (I7).
import type { ErrorJson } from '../contract/outcome.ts';

export type Escalation = Pick<ErrorJson, 'code' | 'message' | 'data'>;

/** The event to send to oneself, in a state that handles nothing any more. */
export function toEscalation({ code, message, data }: Escalation) {
  const error = { name: 'Error', code, message, ...(data === undefined ? {} : { data }) };
  return { type: 'xstate.error.actor.escalated', error };
}
