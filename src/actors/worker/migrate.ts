// A machine's own migration: from the snapshot of another version to one of this version.
import { checkJson } from '../../contract/border.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { WorkerRequest } from '../../contract/worker.ts';
import { loadExport } from './load.ts';

export async function migrate({
  machine,
  export: name,
  snapshot,
  from,
}: Extract<WorkerRequest, { kind: 'migrate' }>): Promise<Json> {
  const move = await loadExport(machine.module, name);
  if (typeof move !== 'function')
    throw new QuorateError('MODULE_NOT_LOADED', `${machine.module}: '${name}' is not a function`);
  try {
    const moved: unknown = move(snapshot, from);
    if (typeof moved !== 'object' || moved === null || !('value' in moved))
      throw new TypeError('it gave no snapshot; return the one it is given, changed');
    return checkJson(moved, { of: 'what it gave', path: 'snapshot', code: 'OUTPUT_INVALID' });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new QuorateError(
      'MIGRATION_FAILED',
      `${name}() of machine ${machine.type}, from version ${from}: ${why}`,
      {
        cause: thrown,
      },
    );
  }
}
