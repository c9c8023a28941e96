// Loads a machine and its own migration, and moves the state of an actor of another version to this one.
import { QuorateError } from '../../contract/errors.ts';
import type { WorkerRequest } from '../../contract/worker.ts';
import type { Moved } from '../core/migration.ts';
import { keepState, migrateState } from '../core/migration.ts';
import { loadExport, loadMachine } from './load.ts';

export async function migrate({
  request,
  export: name,
  from,
}: Extract<WorkerRequest, { kind: 'migrate' }>): Promise<Moved> {
  if (name === undefined) return keepState(await loadMachine(request.machine), request, from);
  const { module } = request.machine;
  const move = await loadExport(module, name);
  if (typeof move !== 'function')
    throw new QuorateError('MODULE_NOT_LOADED', `${module}: '${name}' is not a function`);
  const machine = await loadMachine(request.machine);
  return migrateState(machine, request, { name, from, move: (...args): unknown => move(...args) });
}
