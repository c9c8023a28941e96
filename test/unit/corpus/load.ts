// All cases of ./machines, each with the machine that its file exports under its name.
import { readdirSync } from 'node:fs';
import type { AnyStateMachine } from 'xstate';
import type { Case, Scripts } from './case.ts';

const FOLDER = new URL('./machines/', import.meta.url);

/** Of one file, or of all in ./machines. */
export async function loadCases(file?: URL): Promise<Case[]> {
  if (file !== undefined) return loadFile(file);
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'));
  return (await Promise.all(files.toSorted().map((name) => loadFile(new URL(name, FOLDER))))).flat();
}

async function loadFile(file: URL): Promise<Case[]> {
  const module = file.href;
  const exports = (await import(module)) as Readonly<Record<string, unknown>>;
  const machineOf = (name: string): AnyStateMachine => {
    const machine = exports[name];
    if (typeof machine !== 'object') throw new Error(`${file.pathname} exports no machine '${name}'`);
    return machine as AnyStateMachine;
  };
  return Object.entries(exports['cases'] as Scripts).map(([name, script]) => ({
    ...script,
    name,
    module,
    machine: machineOf(name),
    machines: Object.fromEntries((script.registered ?? []).map((type) => [type, machineOf(type)])),
  }));
}
