// A machine as Mermaid text (stateDiagram-v2): states in their hierarchy, transitions between them, one line a pair.
import { type AnyStateNode, createMachine } from 'xstate';
import type { Json } from '../../contract/json.ts';

/** What `toDirectedGraph` gives as JSON. It knows neither types nor guards: those are in the definition. */
interface GraphNode {
  readonly id: string;
  readonly children: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly label: { readonly text: string };
}

interface DrawnEdge {
  readonly source: string;
  readonly target: string;
  readonly text: string;
}

/**
 * `graph` and `definition` as in a MachineDescription. Without the definition there are no marks of initial and final
 * states, no regions, no guards and no `always`.
 */
export function toMermaid(graph: Json, definition?: Json): string {
  const root = graph as unknown as GraphNode;
  const nodes = definition === undefined ? new Map<string, AnyStateNode>() : nodesOf(definition);
  return `${['stateDiagram-v2', ...new Drawing(root, nodes).lines()].join('\n')}\n`;
}

function nodesOf(definition: Json): Map<string, AnyStateNode> {
  const all = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(all)];
  return new Map(all(createMachine(definition as never).root).map((node) => [node.id, node]));
}

const INDENT = '  ';

class Drawing {
  readonly #root: GraphNode;
  readonly #nodes: ReadonlyMap<string, AnyStateNode>;
  /** State id -> its name in the text. */
  readonly #names = new Map<string, string>();
  readonly #parents = new Map<string, string>();
  /** Id of the state in whose braces they are drawn, '' for the page -> edges. */
  readonly #edges: Map<string, DrawnEdge[]>;

  constructor(root: GraphNode, nodes: ReadonlyMap<string, AnyStateNode>) {
    this.#root = root;
    this.#nodes = nodes;
    this.#name(root, '');
    this.#edges = Map.groupBy(this.#edgesOf(root), (edge) => this.#scopeOf(edge));
  }

  lines(): string[] {
    const { id, children, edges } = this.#root;
    // A machine that is one state, takes events wherever it is, or has regions is drawn as a state of its own.
    const whole = children.length === 0 || edges.length > 0 || this.#nodes.get(id)?.type === 'parallel';
    const states = whole ? this.#state(this.#root, 1) : this.#content(this.#root, 1);
    return [...states, ...this.#drawEdges('', INDENT)];
  }

  #name({ id, children }: GraphNode, parent: string): void {
    this.#parents.set(id, parent);
    const inner = id.startsWith(`${this.#root.id}.`) ? id.slice(this.#root.id.length + 1) : id;
    let name = inner.replaceAll(/\W+/g, '_');
    const taken = new Set(this.#names.values());
    while (RESERVED.test(name) || taken.has(name)) name += '_';
    this.#names.set(id, name);
    for (const child of children) this.#name(child, id);
  }

  #edgesOf({ id, children, edges }: GraphNode): DrawnEdge[] {
    const node = this.#nodes.get(id);
    const seen = new Map<string, number>();
    const drawn = edges.map(({ source, target, label: { text } }): DrawnEdge => {
      // Edges of one event come in the order of its candidates.
      const index = seen.get(text) ?? 0;
      seen.set(text, index + 1);
      return {
        source,
        target,
        text: eventText(text) + guardText(node?.transitions.get(text)?.[index]?.guard),
      };
    });
    const always = (node?.always ?? []).flatMap(({ target, guard }) =>
      (target ?? []).map((to) => ({ source: id, target: to.id, text: `always${guardText(guard)}` })),
    );
    return [...drawn, ...always, ...children.flatMap((child) => this.#edgesOf(child))];
  }

  /**
   * The state that both ends lie in directly, else the page (''): Mermaid moves a state into whichever state's braces
   * name it last, but leaves it where it is when the page names it.
   */
  #scopeOf({ source, target }: DrawnEdge): string {
    const [from, to] = [this.#parents.get(source) ?? '', this.#parents.get(target) ?? ''];
    return from === to && this.#nodes.get(from)?.type !== 'parallel' ? from : '';
  }

  #state(node: GraphNode, depth: number): string[] {
    const { id, children } = node;
    const indent = INDENT.repeat(depth);
    const label = this.#nodes.get(id)?.key ?? id.slice(id.lastIndexOf('.') + 1);
    const head = `${indent}state "${escapeText(label)}" as ${this.#names.get(id)}`;
    if (children.length === 0) return [head];
    return [`${head} {`, ...this.#content(node, depth + 1), `${indent}}`];
  }

  #content({ id, children }: GraphNode, depth: number): string[] {
    const indent = INDENT.repeat(depth);
    const node = this.#nodes.get(id);
    const drawn = children.map((child) => this.#state(child, depth));
    if (node?.type === 'parallel') {
      return drawn.flatMap((region, index) => (index === 0 ? region : [`${indent}--`, ...region]));
    }
    const initial = node?.type === 'compound' ? node.initial.target?.[0]?.id : undefined;
    const finals = children.filter((child) => this.#nodes.get(child.id)?.type === 'final');
    return [
      ...drawn.flat(),
      ...(initial === undefined ? [] : [`${indent}[*] --> ${this.#names.get(initial)}`]),
      ...this.#drawEdges(id, indent),
      ...finals.map((child) => `${indent}${this.#names.get(child.id)} --> [*]`),
    ];
  }

  /** Edges between the same two states would be drawn on top of each other: they share one line. */
  #drawEdges(scope: string, indent: string): string[] {
    const between = ({ source, target }: DrawnEdge): string =>
      `${this.#names.get(source)} --> ${this.#names.get(target)}`;
    const lines = Map.groupBy(this.#edges.get(scope) ?? [], between);
    return [...lines].map(
      ([ends, edges]) => `${indent}${ends} : ${edges.map(({ text }) => escapeText(text)).join('<br/>')}`,
    );
  }
}

/** Words that Mermaid takes for its own at the start of a line. */
const RESERVED =
  /^(state|note|class|classDef|direction|default|end|style|click|href|scale|hide|as|title|_*)$/i;

/** XState's own events, as people say them. */
function eventText(type: string): string {
  const after = /^xstate\.after\.(.+?)\./.exec(type)?.[1];
  if (after !== undefined) return `after ${/^\d+$/.test(after) ? `${after} ms` : after}`;
  if (type.startsWith('xstate.done.state.')) return 'done';
  const child = /^xstate\.(done|error|snapshot)\.(?:actor\.)?(.+)$/.exec(type);
  if (child !== null) return `${child[1]} ${child[2]}`;
  return type === '*' ? 'any event' : type;
}

function guardText(guard: unknown): string {
  if (guard === undefined) return '';
  const type = typeof guard === 'object' && guard !== null && 'type' in guard ? guard.type : guard;
  return ` [${typeof type === 'string' ? type : 'guard'}]`;
}

/** Mermaid's own way to write what would end a label: #<code point>; */
function escapeText(text: string): string {
  return text.replaceAll(/["#;:<>{}%\\`]|\p{Cc}/gu, (letter) => `#${letter.codePointAt(0)};`);
}
