// A chart with every place decided: what layouts give and drawings take.
import type { ChartEdge, ChartState } from './model.ts';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedState extends Box {
  readonly state: ChartState;
  readonly depth: number;
}

export interface PlacedEdge {
  /** None for the arrow from an initial dot. */
  readonly edge?: ChartEdge;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly label?: Box;
}

export interface Geometry {
  readonly width: number;
  readonly height: number;
  /** Parents before their children. */
  readonly states: readonly PlacedState[];
  readonly dots: readonly Box[];
  readonly edges: readonly PlacedEdge[];
}
