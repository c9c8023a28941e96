// Loads what a configuration names: modules once a thread, and machines by their path inside a module.
import { createRequire } from 'node:module';
import type { AnyStateMachine } from 'xstate';
import { namedByType } from '../../contract/address.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { MachineRef } from '../../contract/turn.ts';
import { importFault } from '../../import-fault.ts';
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
    throw new QuorateError('MODULE_NOT_LOADED', `${module}: ${importFault(thrown, module)}`, {
      cause: thrown,
    });
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
  let found = await loadRoot(ref);
  let where = `export '${ref.export}'`;
  for (const src of ref.path) {
    if (isMachine(found)) found = implementedActor(found, src);
    where += `, actor '${src}'`;
  }
  if (!isMachine(found))
    throw new QuorateError(
      'MODULE_NOT_LOADED',
      `machine '${ref.type}' of ${ref.module}: ${where} is not an XState machine`,
    );
  machines.set(keyOf(ref), found);
  return found;
}

async function loadRoot({ type, module, export: name }: MachineRef): Promise<unknown> {
  try {
    return await loadExport(module, name);
  } catch (thrown) {
    if (!(thrown instanceof QuorateError)) throw thrown;
    throw new QuorateError(thrown.code, `machine '${type}' of ${namedByType(thrown.message, type)}`, {
      cause: thrown.cause,
    });
  }
}

function isMachine(value: unknown): value is AnyStateMachine {
  return kindOfLogic(value) === 'machine';
}

function keyOf(ref: MachineRef): string {
  return JSON.stringify([ref.module, ref.export, ...ref.path]);
}

/** Beside what XState throws about a machine when it is looked at: whose it is, and whether two copies of XState met. */
export function machineFault(thrown: unknown, { type, module }: MachineRef): QuorateError {
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new QuorateError(
    'MODULE_NOT_LOADED',
    `machine '${type}' of ${module}: ${namedByType(why, type)}${otherCopy(module)}`,
    { cause: thrown },
  );
}

/** Two copies mostly understand each other; of different versions they may not. */
function otherCopy(module: string): string {
  try {
    const own = import.meta.resolve('xstate');
    const theirs = createRequire(module).resolve('xstate');
    const folder = (path: string): string =>
      path.replace(/^file:\/\//, '').replace(/\/xstate\/.*$/, '/xstate');
    return folder(own) === folder(theirs)
      ? ''
      : `; it is made with another copy of xstate, ${folder(theirs)}, than Quorate's, ${folder(own)}: install one`;
  } catch {
    return '';
  }
}
