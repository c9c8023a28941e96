/** One actor's address: a machine type registered in the configuration and an id that is unique within it. */
export interface ActorAddress {
  readonly type: string;
  readonly id: string;
}

/** Service Bus allows 128 characters for a session id; an actor's id is its session id. */
export const MAX_ACTOR_ID_LENGTH = 128;

/** Gives `type/id`: how people, logs, spans and the inspector name an actor. Types never hold a slash, ids may. */
export function formatAddress(address: ActorAddress): string {
  return `${address.type}/${address.id}`;
}

/** The address that `type/id` names; undefined when there is no slash, or nothing on one side of it. */
export function parseAddress(text: string): ActorAddress | undefined {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) return undefined;
  return { type: text.slice(0, slash), id: text.slice(slash + 1) };
}

/** XState calls a machine without an id `(machine)`; people know it by its type. */
export function namedByType(text: string, type: string): string {
  return text.replaceAll('(machine)', type);
}
