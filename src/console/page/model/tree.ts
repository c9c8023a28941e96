// Rows of the list as a tree by who started whom, as far as the rows at hand say it.
import type { ActorRow } from '../../protocol.ts';

export interface TreeRow {
  readonly row: ActorRow;
  readonly depth: number;
}

export function flat(rows: readonly ActorRow[]): readonly TreeRow[] {
  return rows.map((row) => ({ row, depth: 0 }));
}

/** Each actor under its parent; one whose parent is not among the rows stands at the top. The order among siblings stays. */
export function treeOf(rows: readonly ActorRow[]): readonly TreeRow[] {
  const known = new Set(rows.map(({ address }) => address));
  const below = new Map<string, ActorRow[]>();
  const tops: ActorRow[] = [];
  for (const row of rows) {
    if (row.parent === undefined || !known.has(row.parent) || row.parent === row.address) tops.push(row);
    else below.set(row.parent, [...(below.get(row.parent) ?? []), row]);
  }
  const found: TreeRow[] = [];
  const stack = tops.toReversed().map((row) => ({ row, depth: 0 }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { row, depth } = next;
    found.push(next);
    const children = below.get(row.address) ?? [];
    stack.push(...children.toReversed().map((child) => ({ row: child, depth: depth + 1 })));
  }
  return found;
}
