// Names of what a machine waits for: XState makes ids of invokes and `after` events of the state's id, which a rename changes.
import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** `<index>.<state id>` and `xstate.after.<delay>.<state id>`. */
const GENERATED = /^(?:\d+|xstate\.after\.(?:\d+\.\d+|[^.]+))\./;

export function isGenerated(id: string): boolean {
  return GENERATED.test(id);
}

/** In front of a path it makes the id of an invoke there. */
const ANY = '0.';
const NONE: ReadonlySet<string> = new Set();

const invokeIds = new WeakMap<AnyStateMachine, ReadonlySet<string>>();

function invokesOf(machine: AnyStateMachine): ReadonlySet<string> {
  const known = invokeIds.get(machine);
  if (known !== undefined) return known;
  const ids = nodesOf(machine.root).flatMap(({ invoke }) => invoke.map(({ id }) => id));
  const found = new Set(ids);
  invokeIds.set(machine, found);
  return found;
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...(Object.values(node.states) as AnyStateNode[]).flatMap(nodesOf)];
}

const ignoring = new WeakMap<AnyStateMachine, ReadonlySet<string>>();

/** Whether the state with this invoke says `meta: { cancel: 'ignore' }`: its work is done, also when nobody waits any more. */
export function ignoresCancel(machine: AnyStateMachine, id: string): boolean {
  const known = ignoring.get(machine) ?? idsThatIgnore(machine);
  ignoring.set(machine, known);
  return known.has(id);
}

function idsThatIgnore(machine: AnyStateMachine): ReadonlySet<string> {
  const says = (node: AnyStateNode): boolean =>
    (node.meta as { readonly cancel?: unknown } | undefined)?.cancel === 'ignore';
  return new Set(
    nodesOf(machine.root)
      .filter(says)
      .flatMap(({ invoke }) => invoke.map(({ id }) => id)),
  );
}

/** Whether the author named it. Such a name cannot be told from that of a spawned child in another version of the machine. */
export function isNamedInvoke(machine: AnyStateMachine, id: string): boolean {
  return !isGenerated(id) && invokesOf(machine).has(id);
}

/** What `renamed` and `dropped` say, for this machine. A key is the path of a state, or the id itself; the longest counts. */
export class Names {
  readonly #machine: AnyStateMachine;
  readonly #renamed: readonly (readonly [old: string, name: string])[];
  readonly #dropped: readonly string[];

  constructor(
    machine: AnyStateMachine,
    renamed: Readonly<Record<string, string>> = {},
    dropped: readonly string[] = [],
  ) {
    this.#machine = machine;
    this.#renamed = Object.entries(renamed).toSorted(([a], [b]) => b.length - a.length);
    this.#dropped = dropped;
  }

  isInvoke(id: string): boolean {
    return invokesOf(this.#machine).has(id);
  }

  isDropped(id: string): boolean {
    return this.#dropped.some((key) => id === key || this.#below(id, key) !== undefined);
  }

  /** `kept`: ids that stay as they are, although a state of the same name is renamed. */
  newName(id: string, kept: ReadonlySet<string>): string {
    const itself = this.#renamed.find(([key]) => key === id);
    if (itself !== undefined) return kept.has(id) ? id : itself[1];
    for (const [key, name] of this.#renamed) {
      const rest = this.#below(id, key);
      if (rest !== undefined) return `${prefixOf(id)}${this.#stateId(key, name)}${rest}`;
    }
    return id;
  }

  /** Of a state; undefined where nothing is said of it. */
  newPath(path: string): string | undefined {
    const id = this.newName(`${ANY}${path}`, NONE).slice(ANY.length);
    return nodesOf(this.#machine.root)
      .find((node) => node.id === id)
      ?.path.join('.');
  }

  /** Whether the state of that path is let go of. */
  dropsState(path: string): boolean {
    return this.isDropped(`${ANY}${path}`);
  }

  /** As `renamed` and `dropped` may name it. */
  short(id: string): string {
    const state = id.slice(prefixOf(id).length);
    const own = `${this.#machine.id}.`;
    return state.startsWith(own) ? state.slice(own.length) : state;
  }

  /** What follows the state of that path, or of that id, in a generated id. */
  #below(id: string, key: string): string | undefined {
    const prefix = prefixOf(id);
    if (prefix === '') return undefined;
    const state = id.slice(prefix.length);
    for (const name of [`${this.#machine.id}.${key}`, key])
      if (state === name || state.startsWith(`${name}.`)) return state.slice(name.length);
    return undefined;
  }

  #stateId(key: string, name: string): string {
    const nodes = nodesOf(this.#machine.root);
    const named = nodes.find(({ path }) => path.join('.') === name) ?? nodes.find(({ id }) => id === name);
    if (named !== undefined) return named.id;
    throw new Error(`\`renamed\` calls '${key}' '${name}', but the machine has no such state`);
  }
}

function prefixOf(id: string): string {
  return GENERATED.exec(id)?.[0] ?? '';
}
