// Where everything goes: ELK's layered layout over the whole hierarchy, with room for edge labels.
import type * as Elk from 'elkjs/lib/elk.bundled.js';
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type {
  Box,
  ChartEdge,
  ChartModel,
  ChartState,
  Geometry,
  PlacedEdge,
  PlacedState,
} from './chart-model.ts';
import { DOT, headerHeight, labelSize, stateSize } from './measure.ts';

// A chart as the graph that ELK lays out: states are nodes in nodes, each with the room its text needs.

/** ELK's own names. Nested nodes do not inherit them. */
type LevelOptions = Readonly<Record<string, string>>;

const stateId = (path: string): string => `s:${path}`;
const dotId = (path: string): string => `i:${path}`;

/** What comes of the walk beside the nodes. */
interface Building {
  readonly level: LevelOptions;
  readonly states: Map<string, { state: ChartState; depth: number }>;
  readonly initials: ElkExtendedEdge[];
}

interface ElkInput {
  readonly root: ElkNode;
  readonly edges: ElkExtendedEdge[];
  readonly states: ReadonlyMap<string, { readonly state: ChartState; readonly depth: number }>;
}

function toElkInput(model: ChartModel, level: LevelOptions): ElkInput {
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

const ROOT_OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.edgeRouting': 'ORTHOGONAL',
};

/** Not inherited: each level needs them. */
const LEVEL_OPTIONS = {
  // What the initial state leads to comes after it, also where it leads back.
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
  'elk.layered.feedbackEdges': 'true',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.spacing.nodeNode': '36',
  'elk.spacing.edgeNode': '24',
  'elk.spacing.edgeEdge': '16',
  'elk.spacing.edgeLabel': '6',
  'elk.layered.spacing.nodeNodeBetweenLayers': '36',
  'elk.layered.spacing.edgeNodeBetweenLayers': '20',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '16',
};

const DIRECTIONS = ['DOWN', 'RIGHT'] as const;
type Direction = (typeof DIRECTIONS)[number];

/** Room that a page usually has; of both directions the one that is larger in it is drawn. */
const PANE = { width: 760, height: 640 } as const;

export async function layOut(model: ChartModel, elk: typeof Elk.default): Promise<Geometry> {
  // ELK fails on some graphs with some options; one direction is enough, and the plain options always were.
  const attempts = DIRECTIONS.map((direction) =>
    layOutTowards(elk, direction, model, LEVEL_OPTIONS).catch(() => undefined),
  );
  const drawn = (await Promise.all(attempts)).filter((geometry) => geometry !== undefined);
  const [best] = drawn.toSorted((a, b) => scaleIn(b) - scaleIn(a));
  return best ?? layOutTowards(elk, 'DOWN', model, {});
}

function scaleIn({ width, height }: Geometry): number {
  return Math.min(PANE.width / width, PANE.height / height, 1);
}

async function layOutTowards(
  elk: typeof Elk.default,
  direction: Direction,
  model: ChartModel,
  level: LevelOptions,
): Promise<Geometry> {
  const { root, edges, states } = toElkInput(model, level);
  const graph = await new elk.default().layout({
    id: 'chart',
    layoutOptions: {
      ...ROOT_OPTIONS,
      ...level,
      'elk.direction': direction,
      'elk.padding': '[top=8,left=8,bottom=8,right=8]',
    },
    children: [root],
    edges,
  });
  return toGeometry(graph, model, states);
}

function toBox({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box {
  return { x, y, width, height };
}

function toGeometry(graph: ElkNode, model: ChartModel, known: ElkInput['states']): Geometry {
  const states: PlacedState[] = [];
  const dots: Box[] = [];
  const visit = (node: ElkNode): void => {
    const found = known.get(node.id);
    if (found !== undefined) states.push({ ...toBox(node), ...found });
    else if (node.id.startsWith('i:')) dots.push(toBox(node));
    for (const child of node.children ?? []) visit(child);
  };
  visit(graph);
  const byId = new Map(model.edges.map((edge) => [edge.id, edge]));
  const edges = (graph.edges ?? []).map((placed): PlacedEdge => {
    const edge = byId.get(placed.id);
    const [label] = placed.labels ?? [];
    const points = (placed.sections ?? []).flatMap((part) => [
      part.startPoint,
      ...(part.bendPoints ?? []),
      part.endPoint,
    ]);
    return {
      points,
      ...(edge === undefined ? {} : { edge }),
      ...(label === undefined ? {} : { label: toBox(label) }),
    };
  });
  return { width: graph.width ?? 0, height: graph.height ?? 0, states, dots, edges };
}
