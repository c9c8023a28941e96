// A machine's definition as what there is to draw: states in their hierarchy, transitions with readable labels, and the same
// with every place decided. It is what the main thread and the drawing thread send each other.
import { type AnyStateMachine, createMachine } from 'xstate';
import { eventLabel } from './labels.ts';

type StateNode = AnyStateMachine['root'];
type Transition = StateNode['transitions'] extends Map<string, (infer T)[]> ? T : never;

type StateKind = 'atomic' | 'compound' | 'parallel' | 'final' | 'history';

export interface ChartState {
  /** Keys from the root, each URI-encoded, joined by '/'; the root is ''. */
  readonly path: string;
  readonly name: string;
  readonly kind: StateKind;
  /** Lines under the name: what it invokes, what it does, what it reacts to without leaving. */
  readonly notes: readonly string[];
  readonly tags: readonly string[];
  /** Path of the child it starts in. */
  readonly initial?: string;
  readonly children: readonly ChartState[];
}

export interface ChartEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** The event as machines send it: what the page finds the edge by. */
  readonly event: string;
  readonly label: string;
  /** Guard, under the label. */
  readonly guard?: string;
}

export interface ChartModel {
  readonly root: ChartState;
  readonly edges: readonly ChartEdge[];
}

/** Throws XState's own error when the definition is not a machine's. */
export function toChartModel(definition: object): ChartModel {
  const machine = createMachine(definition);
  const edges: ChartEdge[] = [];
  const root = toState(machine.root, edges);
  return { root, edges };
}

function pathOf({ path }: StateNode): string {
  return path.map(encodeURIComponent).join('/');
}

function toState(node: StateNode, edges: ChartEdge[]): ChartState {
  const transitions = [...node.transitions.values()].flat().concat(node.always ?? []);
  const inner: string[] = [];
  for (const transition of transitions) {
    const targets = transition.target ?? [];
    if (targets.length === 0) inner.push(innerNote(node, transition));
    for (const target of targets) edges.push(toEdge(node, target, transition, edges.length));
  }
  const initial = node.type === 'compound' ? node.initial.target?.[0] : undefined;
  return {
    path: pathOf(node),
    name: node.key,
    kind: node.type,
    notes: [
      ...node.invoke.map(({ src }) => `⚙ ${typeof src === 'string' ? src : 'inline'}`),
      ...node.entry.map((action) => `entry / ${nameOf(action)}`),
      ...node.exit.map((action) => `exit / ${nameOf(action)}`).filter((note) => !note.endsWith(' ')),
      ...inner,
    ].filter((note) => !isInternalNote(note)),
    tags: [...node.tags],
    ...(initial === undefined ? {} : { initial: pathOf(initial) }),
    children: Object.values(node.states).map((child) => toState(child, edges)),
  };
}

/** `after` makes XState raise on entry and cancel on exit: that is how, not what. */
function isInternalNote(note: string): boolean {
  return /^(entry|exit) \/ (xstate\.|$)/.test(note);
}

function toEdge(source: StateNode, target: StateNode, transition: Transition, index: number): ChartEdge {
  const guard = transition.guard === undefined ? undefined : nameOf(transition.guard);
  return {
    id: `e${index}`,
    source: pathOf(source),
    target: pathOf(target),
    event: transition.eventType,
    label: eventLabel(transition.eventType, source.invoke, transition.reenter && source === target),
    ...(guard === undefined ? {} : { guard }),
  };
}

function innerNote(node: StateNode, transition: Transition): string {
  const actions = transition.actions.map(nameOf).filter((name) => name !== '');
  const label = eventLabel(transition.eventType, node.invoke, false);
  const guard = transition.guard === undefined ? '' : ` [${nameOf(transition.guard)}]`;
  return `on ${label}${guard}${actions.length === 0 ? '' : ` / ${actions.join(', ')}`}`;
}

function nameOf(item: unknown): string {
  if (typeof item === 'string') return item;
  if (typeof item === 'function')
    return 'type' in item && typeof item.type === 'string' ? item.type : item.name;
  const named = typeof item === 'object' && item !== null && 'type' in item ? item.type : undefined;
  return typeof named === 'string' ? named : '';
}

// A chart with every place decided: what layouts give and drawings take.

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

/** Main thread to drawing thread. */
export interface ChartRequest {
  readonly id: number;
  readonly definition: object;
}

export type ChartAnswer =
  | { readonly id: number; readonly svg: string }
  | { readonly id: number; readonly error: string };
