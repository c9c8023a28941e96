// What of a chart is lit: the states that a value is in, and the transitions that the last step took. A step is one event and the `always`
// transitions that followed it, so the way from the value before to the value after may have several edges.
import type { Json } from '../../../contract/json.ts';

/** As the SVG says it: paths as chart-model makes them, `''` as the event of an `always`. */
export interface Edge {
  readonly source: string;
  readonly target: string;
  readonly event: string;
}

export interface Paths {
  /** Each with those around it; the root is ''. */
  readonly active: ReadonlySet<string>;
  /** The innermost ones. */
  readonly current: ReadonlySet<string>;
}

export function pathsOf(value: Json | undefined): Paths {
  const active = new Set(['']);
  const current = new Set<string>();
  const add = (prefix: string, key: string, isLeaf: boolean): string => {
    const path = prefix === '' ? encodeURIComponent(key) : `${prefix}/${encodeURIComponent(key)}`;
    active.add(path);
    if (isLeaf) current.add(path);
    return path;
  };
  const walk = (inner: Json | undefined, prefix: string): void => {
    if (typeof inner === 'string') return void add(prefix, inner, true);
    if (typeof inner !== 'object' || inner === null) return;
    for (const [key, below] of Object.entries(inner)) {
      const isLeaf = typeof below === 'object' && below !== null && Object.keys(below).length === 0;
      walk(below, add(prefix, key, isLeaf));
    }
  };
  walk(value, '');
  return { active, current };
}

/** Indexes of the edges that a step took. `before` is absent for the first step. */
export function takenEdges(
  edges: readonly Edge[],
  step: { readonly before: Json | undefined; readonly event: string; readonly after: Json },
): ReadonlySet<number> {
  const before = pathsOf(step.before).active;
  const { active: after } = pathsOf(step.after);
  const found = new Set<number>();
  // Where each edge that the event can have taken leads, and on from there by `always`, as long as it ends in a state that is active now.
  edges.forEach((edge, index) => {
    if (edge.event !== step.event || (step.before !== undefined && !before.has(edge.source))) return;
    for (const one of wayFrom(edges, index, after, new Set())) found.add(one);
  });
  if (found.size > 0) return found;
  // An event whose own transition has no target, or the start of a machine: only what followed it.
  edges.forEach((edge, index) => {
    const left = step.before === undefined || before.has(edge.source);
    if (edge.event === '' && left && !after.has(edge.source))
      for (const one of wayFrom(edges, index, after, new Set())) found.add(one);
  });
  return found;
}

function wayFrom(
  edges: readonly Edge[],
  index: number,
  after: ReadonlySet<string>,
  seen: Set<number>,
): readonly number[] {
  const edge = edges[index];
  if (edge === undefined || seen.has(index)) return [];
  seen.add(index);
  if (after.has(edge.target)) return [index];
  const on = edges.flatMap((next, at) =>
    next.event === '' && isWithin(next.source, edge.target) ? wayFrom(edges, at, after, seen) : [],
  );
  return on.length === 0 ? [] : [index, ...on];
}

/** A state, one in it that it enters, or one around it whose `always` is asked too. */
function isWithin(path: string, state: string): boolean {
  return path === state || path.startsWith(`${state}/`) || state.startsWith(`${path}/`);
}
