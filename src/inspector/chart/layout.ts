// Where everything goes: ELK's layered layout over the whole hierarchy, with room for edge labels.
import type * as Elk from 'elkjs/lib/elk.bundled.js';
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import { type ElkInput, type LevelOptions, toElkInput } from './elk-graph.ts';
import type { Box, Geometry, PlacedEdge, PlacedState } from './geometry.ts';
import type { ChartModel } from './model.ts';

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
