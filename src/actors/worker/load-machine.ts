// Loads what a configuration names: modules once a thread, and machines by their path inside a module.
import { createRequire } from 'node:module';
import type { AnyStateMachine } from 'xstate';
import { importFault } from '../../config/import-fault.ts';
import { namedByType } from '../../contract/address.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { MachineRef } from '../../contract/turn.ts';
import type { WorkerRequest } from '../../contract/worker.ts';
import { implementedActor, kindOfLogic } from '../core/logic.ts';
import { keepState, type Moved, migrateState } from '../core/migration.ts';

const machines = new Map<string, AnyStateMachine>();
const modules = new Map<string, Exports>();
let failed = false;

type Exports = Readonly<Record<string, unknown>>;

/** What a module exports that has been loaded. */
export function exportsOf(module: string): Exports {
  return modules.get(module) ?? {};
}

/** Node remembers that a module could not be imported: this thread will never have it, nor what imports it. */
export function hasFailedImport(): boolean {
  return failed;
}

export async function loadExport(module: string, name: string): Promise<unknown> {
  let exports: Exports;
  try {
    exports = (await import(module)) as Exports;
  } catch (thrown) {
    failed = true;
    throw new QuorateError('MODULE_NOT_LOADED', `${module}: ${importFault(thrown, module)}`, {
      cause: thrown,
    });
  }
  modules.set(module, exports);
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

/** Adds to an error of XState which machine it is about, and whether two copies of XState met. */
export function machineFault(thrown: unknown, { type, module }: MachineRef): QuorateError {
  const why = namedByType(thrown instanceof Error ? thrown.message : String(thrown), type);
  const of = `machine '${type}' of ${module}`;
  const copies = otherCopy(module);
  const message =
    copies === undefined
      ? `${of}: ${why}`
      : `${of} is made with another copy of xstate, ${copies.theirs}, than Quorate's, ${copies.own}: install one. XState says: ${why}`;
  return new QuorateError('MODULE_NOT_LOADED', message, { cause: thrown });
}

/** Two copies mostly understand each other; of different versions they may not. */
function otherCopy(module: string): { readonly own: string; readonly theirs: string } | undefined {
  try {
    const own = import.meta.resolve('xstate');
    const theirs = createRequire(module).resolve('xstate');
    const folder = (path: string): string =>
      path.replace(/^file:\/\//, '').replace(/\/xstate\/.*$/, '/xstate');
    const copies = { own: folder(own), theirs: folder(theirs) };
    return copies.own === copies.theirs ? undefined : copies;
  } catch {
    return undefined;
  }
}

// Loads a machine and its own migration, and moves the state of an actor of another version to this one.

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
