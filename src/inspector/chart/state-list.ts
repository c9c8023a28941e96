// A chart where ELK is not installed: the states as nested boxes, one below the other, each with its transitions as lines of
// text. Nothing has to be routed, and the page lights the current states up as in a drawn chart.
import type { Box, ChartEdge, ChartModel, ChartState, Geometry, PlacedState } from './chart-model.ts';
import { guardText, headerHeight, stateSize } from './measure.ts';

const MARGIN = 8;
const INSET = 20;
const GAP = 14;

/** `hint` says what would draw arrows; it stands in the root's box. */
export function listStates({ root, edges }: ChartModel, hint: string): Geometry {
  const lines = Map.groupBy(edges, ({ source }) => source);
  const described = describe(root, lines);
  const states: PlacedState[] = [];
  const { x, y, width, height } = place(
    { ...described, notes: [hint, ...described.notes] },
    { x: MARGIN, y: MARGIN, depth: 0 },
    states,
  );
  return { width: x + width + MARGIN, height: y + height + MARGIN, states, dots: [], edges: [] };
}

function describe(state: ChartState, lines: ReadonlyMap<string, readonly ChartEdge[]>): ChartState {
  const initial = state.children.find(({ path }) => path === state.initial);
  return {
    ...state,
    notes: [
      ...state.notes,
      ...(initial === undefined ? [] : [`starts in ${initial.name}`]),
      ...(lines.get(state.path) ?? []).map(describeEdge),
    ],
    children: state.children.map((child) => describe(child, lines)),
  };
}

function describeEdge({ source, target, label, guard }: ChartEdge): string {
  return `${label}${guard === undefined ? '' : ` ${guardText(guard)}`} → ${nameFrom(source, target)}`;
}

/** The last key of a sibling, the whole path of what is farther away. */
function nameFrom(source: string, target: string): string {
  if (target === '') return 'the root';
  const parent = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const keys = target.split('/').map(decodeURIComponent);
  return parent(source) === parent(target) ? (keys.at(-1) ?? '') : keys.join('/');
}

/** Adds the state, then its children; it is as wide as the widest of them needs. */
function place(
  state: ChartState,
  at: { readonly x: number; readonly y: number; readonly depth: number },
  placed: PlacedState[],
): Box {
  const own = stateSize(state);
  const index = placed.length;
  let bottom = at.y + headerHeight(state);
  let { width } = own;
  for (const child of state.children) {
    const box = place(child, { x: at.x + INSET, y: bottom + GAP, depth: at.depth + 1 }, placed);
    bottom = box.y + box.height;
    width = Math.max(width, box.width + 2 * INSET);
  }
  const height = state.children.length === 0 ? own.height : bottom + INSET - at.y;
  const box = { x: at.x, y: at.y, width, height };
  placed.splice(index, 0, { ...box, state, depth: at.depth });
  return box;
}
