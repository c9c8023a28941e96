// A chart as the graph that ELK lays out: states are nodes in nodes, each with the room its text needs.
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import { DOT, headerHeight, labelSize, stateSize } from './measure.ts';
import type { ChartEdge, ChartModel, ChartState } from './model.ts';

/** ELK's own names. Nested nodes do not inherit them. */
export type LevelOptions = Readonly<Record<string, string>>;

const stateId = (path: string): string => `s:${path}`;
const dotId = (path: string): string => `i:${path}`;

/** What comes of the walk beside the nodes. */
interface Building {
  readonly level: LevelOptions;
  readonly states: Map<string, { state: ChartState; depth: number }>;
  readonly initials: ElkExtendedEdge[];
}

export interface ElkInput {
  readonly root: ElkNode;
  readonly edges: ElkExtendedEdge[];
  readonly states: ReadonlyMap<string, { readonly state: ChartState; readonly depth: number }>;
}

export function toElkInput(model: ChartModel, level: LevelOptions): ElkInput {
  const states = new Map<string, { state: ChartState; depth: number }>();
  const initials: ElkExtendedEdge[] = [];
  const root = toElkNode(model.root, 0, { level, states, initials });
  return { root, edges: [...initials, ...model.edges.map(toElkEdge)], states };
}

function toElkNode(state: ChartState, depth: number, building: Building): ElkNode {
  const { level, states, initials } = building;
  states.set(stateId(state.path), { state, depth });
  const { width, height } = stateSize(state);
  const children = state.children.map((child) => toElkNode(child, depth + 1, building));
  if (children.length === 0) return { id: stateId(state.path), width, height };
  if (state.initial !== undefined) {
    children.unshift({ id: dotId(state.path), width: DOT, height: DOT });
    initials.push({
      id: `initial:${state.path}`,
      sources: [dotId(state.path)],
      targets: [stateId(state.initial)],
    });
  }
  const padding = `[top=${headerHeight(state) + 14},left=20,bottom=20,right=20]`;
  return {
    id: stateId(state.path),
    children,
    layoutOptions: {
      ...level,
      'elk.padding': padding,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${height})`,
    },
  };
}

function toElkEdge(edge: ChartEdge): ElkExtendedEdge {
  return {
    id: edge.id,
    sources: [stateId(edge.source)],
    targets: [stateId(edge.target)],
    labels: [
      {
        id: `${edge.id}-label`,
        text: edge.label,
        ...labelSize(edge),
        layoutOptions: { 'elk.edgeLabels.inline': 'true' },
      },
    ],
  };
}
