// Runs what is not guarded, in a worker and outside turns: own promise logic, custom actions, CPU agents.
import type { AnyActorLogic } from 'xstate';
import { createActor, toPromise } from 'xstate';
import { checkJson } from '../../contract/border.ts';
import { QuorateError } from '../../contract/errors.ts';
import { toTaskError } from '../../contract/failure.ts';
import type { Outcome } from '../../contract/outcome.ts';
import type { WorkerRequest } from '../../contract/worker.ts';
import { implementedActor, kindOfLogic } from '../core/logic.ts';
import { openContext } from './agent-context.ts';
import { loadExport, loadMachine } from './load-machine.ts';
import { inTraceContext } from './trace-context.ts';

type Request<K extends WorkerRequest['kind']> = Extract<WorkerRequest, { kind: K }>;

export async function runPromise({ machine: ref, src, input, trace }: Request<'promise'>): Promise<Outcome> {
  const machine = await loadMachine(ref);
  const logic = implementedActor(machine, src);
  if (kindOfLogic(logic) !== 'promise') {
    throw new QuorateError('MODULE_NOT_LOADED', `machine '${ref.type}' has no promise logic '${src}'`);
  }
  const of = `promise logic '${src}' of machine '${ref.type}'`;
  const run = (): unknown => {
    // JSON has no undefined; logic that is invoked without input gets undefined.
    const actor = createActor(logic as AnyActorLogic, { input: input ?? undefined });
    const end = toPromise(actor);
    // Nobody would hear it: the machine that asked is an actor elsewhere.
    const emitted = new Promise<never>((_resolve, reject) => {
      actor.on('*', ({ type }) => reject(notHere(`emit(${type}) in promise logic '${src}'`, 'return it')));
    });
    actor.start();
    return Promise.race([end, emitted]);
  };
  return settle(of, () => inTraceContext(trace, run));
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
  return settle(`action '${name}'`, async () => {
    await action({ context, event, self: absent('self', name), system: absent('system', name) }, params);
    return null;
  });
}

/** After the commit there is no living actor to call back: the action gets data only. */
function absent(what: string, action: string): object {
  const refuse = (_target: object, key: PropertyKey): never => {
    throw notHere(`${what}.${String(key)} in action '${action}'`, 'use raise(), sendTo() or params instead');
  };
  return new Proxy({}, { get: refuse });
}

function notHere(what: string, instead: string): QuorateError {
  return new QuorateError(
    'MACHINE_NOT_DURABLE',
    `${what}: it runs after the commit, away from its actor; ${instead}`,
  );
}

export async function runAgent({
  module,
  export: name,
  input,
  line,
  trace,
  ...given
}: Request<'agent'>): Promise<Outcome> {
  const agent = await loadExport(module, name);
  if (typeof agent !== 'function') {
    throw new QuorateError('MODULE_NOT_LOADED', `${module}: export '${name}' is not a function`);
  }
  const { key, attempt, deadlineAt } = given;
  const { context, close } = openContext({ key, attempt, deadlineAt }, line);
  try {
    return await settle(`agent '${name}'`, () => inTraceContext(trace, () => agent(input, context)));
  } finally {
    close();
  }
}

/** JSON before it is posted: a result that cannot be cloned would kill the thread. */
async function settle(of: string, run: () => unknown): Promise<Outcome> {
  try {
    const output = checkJson(await run(), { of, path: 'output', code: 'OUTPUT_INVALID' });
    return { status: 'done', output };
  } catch (thrown) {
    // What it means is found out here, while the error is still an object, and travels in its data.
    return { status: 'error', error: toTaskError(thrown, { now: Date.now() }) };
  }
}
