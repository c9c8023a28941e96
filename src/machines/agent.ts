// `agent()` in setup({ actors }) stands for the agent that the configuration registers under that name: it gives the
// invoke its types, and Quorate the work.
import type { PromiseActorLogic } from 'xstate';
import { fromPromise } from 'xstate';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';

/**
 * Stands for the agent that the configuration registers under the same name. It gives an invoke its types; Quorate makes a task of it.
 *
 * Under a plain `createActor` there is no such agent: the invoke fails with AGENT_NOT_FOUND unless a test provides an implementation,
 * `machine.provide({ actors: { summarize: fromPromise(...) } })`.
 *
 * @returns Promise logic for `setup({ actors })`. Its `onError` gets `{ code, message, data }`: the agent's own code, or TASK_FAILED,
 * AGENT_TIMEOUT, DEADLINE_EXCEEDED, OUTPUT_INVALID.
 * @example
 * ```ts
 * setup({ actors: { summarize: agent<Summary, string>() } }).createMachine({
 *   invoke: { src: 'summarize', input: ({ context }) => context.text, onDone: 'done', onError: 'failed' },
 *   // ...
 * });
 * ```
 */
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
