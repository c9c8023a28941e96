// Loads what a configuration names: modules once a thread, and machines by their path inside a module.
import type { AnyStateMachine } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';
import type { MachineRef } from '../../contract/turn.ts';
import { implementedActor, kindOfLogic } from '../core/logic.ts';

const machines = new Map<string, AnyStateMachine>();
let failed = false;

/** Node keeps a module that could not be imported as such: this thread will never have it, nor what imports it. */
export function hasFailedImport(): boolean {
  return failed;
}

export async function loadExport(module: string, name: string): Promise<unknown> {
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = (await import(module)) as Readonly<Record<string, unknown>>;
  } catch (thrown) {
    failed = true;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new QuorateError('MODULE_NOT_LOADED', `${module}: ${why}`, { cause: thrown });
  }
  if (!(name in exports)) throw new QuorateError('MODULE_NOT_LOADED', `${module} exports no '${name}'`);
  return exports[name];
}

/** Cached without a promise: a known machine costs a turn no tick. */
export function knownMachine(ref: MachineRef): AnyStateMachine | undefined {
  return machines.get(keyOf(ref));
}

export async function loadMachine(ref: MachineRef): Promise<AnyStateMachine> {
  const known = knownMachine(ref);
  if (known !== undefined) return known;
  let found = await loadExport(ref.module, ref.export);
  let where = `export '${ref.export}'`;
  for (const src of ref.path) {
    if (isMachine(found)) found = implementedActor(found, src);
    where += `, actor '${src}'`;
  }
  if (!isMachine(found))
    throw new QuorateError('MODULE_NOT_LOADED', `${ref.module}: ${where} is not an XState machine`);
  machines.set(keyOf(ref), found);
  return found;
}

function isMachine(value: unknown): value is AnyStateMachine {
  return kindOfLogic(value) === 'machine';
}

function keyOf(ref: MachineRef): string {
  return JSON.stringify([ref.module, ref.export, ...ref.path]);
}
