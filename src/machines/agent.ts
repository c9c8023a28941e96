// `agent()` in setup({ actors }) stands for the agent that the configuration registers under that name: it gives the
// invoke its types, and Quorate the work.
import type { PromiseActorLogic } from 'xstate';
import { fromPromise } from 'xstate';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';

export function agent<Output = Json, Input = Json>(): PromiseActorLogic<Output, Input> {
  const absent = fromPromise<Output, Input>(({ self }) => Promise.reject(notHere(nameOf(self))));
  return {
    ...absent,
    // Nothing ever resolves here. That is also how Quorate tells a placeholder from promise logic that it could run.
    transition: (snapshot, event, scope) =>
      event.type === 'xstate.promise.resolve' ? snapshot : absent.transition(snapshot, event, scope),
  };
}

function nameOf({ src, id }: { readonly src?: unknown; readonly id: string }): string {
  return typeof src === 'string' ? src : id;
}

function notHere(name: string): QuorateError {
  return new QuorateError(
    'AGENT_NOT_FOUND',
    `agent '${name}' runs in Quorate; elsewhere implement it: machine.provide({ actors: { ${JSON.stringify(name)}: fromPromise(...) } })`,
  );
}
