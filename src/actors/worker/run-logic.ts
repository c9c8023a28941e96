// What runs in a worker outside turns, and may do as it likes there: own promise logic, custom actions, CPU agents.

import type { AnyActorLogic } from 'xstate';
import { createActor, toPromise } from 'xstate';
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import type { WorkerRequest } from '../../contract/worker.ts';
import { toJson } from '../core/json.ts';
import { implementedActor, kindOfLogic } from '../core/logic.ts';
import { loadExport, loadMachine } from './load.ts';

type Request<K extends WorkerRequest['kind']> = Extract<WorkerRequest, { kind: K }>;

export async function runPromise({ machine: ref, src, input }: Request<'promise'>): Promise<Outcome> {
  const machine = await loadMachine(ref);
  const logic = implementedActor(machine, src);
  if (kindOfLogic(logic) !== 'promise') {
    throw new QuorateError('MODULE_NOT_LOADED', `machine '${ref.type}' has no promise logic '${src}'`);
  }
  return settle(() => {
    const actor = createActor(logic as AnyActorLogic, { input });
    const end = toPromise(actor);
    actor.start();
    return end;
  });
}

export async function runAction({
  machine: ref,
  name,
  params,
  event,
  context,
}: Request<'action'>): Promise<Outcome> {
  const machine = await loadMachine(ref);
  const actions: Readonly<Record<string, unknown>> = machine.implementations.actions;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (typeof action !== 'function') {
    throw new QuorateError('MODULE_NOT_LOADED', `machine '${ref.type}' has no action '${name}'`);
  }
  return settle(async () => {
    // After the commit there is no living actor to call back: the action gets data only.
    await action({ context, event, self: undefined, system: undefined }, params);
    return null;
  });
}

export async function runAgent({
  module,
  export: name,
  input,
  key,
  attempt,
}: Request<'agent'>): Promise<Outcome> {
  const agent = await loadExport(module, name);
  if (typeof agent !== 'function') {
    throw new QuorateError('MODULE_NOT_LOADED', `${module}: export '${name}' is not a function`);
  }
  return settle(() => agent(input, { key, attempt }));
}

/** JSON before it is posted: a result that cannot be cloned would kill the thread. */
async function settle(run: () => unknown): Promise<Outcome> {
  try {
    return { status: 'done', output: toJson(await run()) };
  } catch (thrown) {
    return { status: 'error', error: toTaskError(thrown) };
  }
}

/** `retryable: false` on what was thrown travels in the error's data. */
function toTaskError(thrown: unknown): ErrorJson {
  const error = toErrorJson(thrown, 'TASK_FAILED');
  const final =
    typeof thrown === 'object' && thrown !== null && (thrown as { retryable?: unknown }).retryable === false;
  return final && error.data === undefined ? { ...error, data: { retryable: false } } : error;
}
