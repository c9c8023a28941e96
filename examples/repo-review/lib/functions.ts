// Measures the functions of a JavaScript or TypeScript source on its real syntax tree.
import { type ParserPlugin, parse } from '@babel/parser';

export interface MeasuredFunction {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
  /** McCabe's: one, plus one a decision. */
  readonly complexity: number;
  /** Deepest block within block. */
  readonly depth: number;
}

export type Measured =
  | { readonly kind: 'functions'; readonly functions: readonly MeasuredFunction[] }
  | { readonly kind: 'unparsable'; readonly line: number };

interface SyntaxNode {
  readonly type: string;
  readonly loc?: {
    readonly start: { readonly line: number };
    readonly end: { readonly line: number };
  } | null;
  readonly [field: string]: unknown;
}

interface Measuring {
  name: string;
  line: number;
  lines: number;
  complexity: number;
  depth: number;
}

const FUNCTIONS = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ObjectMethod',
  'ClassMethod',
  'ClassPrivateMethod',
]);
const DECISIONS = new Set([
  'IfStatement',
  'ConditionalExpression',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'CatchClause',
]);
const NESTING = new Set([
  'IfStatement',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'SwitchStatement',
  'TryStatement',
]);
const LOGICAL_ASSIGNMENTS = new Set(['&&=', '||=', '??=']);

export function measureFunctions(path: string, source: string): Measured {
  const plugins: ParserPlugin[] = /\.[cm]?tsx?$/.test(path) ? ['typescript'] : [];
  if (!/\.[cm]?ts$/.test(path)) plugins.push('jsx');
  try {
    const tree = parse(source, {
      sourceType: 'unambiguous',
      errorRecovery: true,
      attachComment: false,
      plugins,
    });
    return { kind: 'functions', functions: measure(tree.program as unknown as SyntaxNode) };
  } catch (error) {
    return { kind: 'unparsable', line: (error as { loc?: { line?: number } }).loc?.line ?? 1 };
  }
}

/** With a stack of its own: a sum of ten thousand terms nests ten thousand deep. */
function measure(program: SyntaxNode): MeasuredFunction[] {
  const found: Measuring[] = [];
  const outside: Measuring = { name: '', line: 1, lines: 0, complexity: 1, depth: 0 };
  interface Visit {
    readonly node: SyntaxNode;
    readonly owner: Measuring;
    readonly depth: number;
    readonly name: string;
  }
  const open: Visit[] = [{ node: program, owner: outside, depth: 0, name: '' }];
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    const { node } = visit;
    let { owner, depth } = visit;
    if (FUNCTIONS.has(node.type)) {
      const first = node.loc?.start.line ?? 1;
      const name = nameOf(node) ?? (visit.name === '' ? 'anonymous function' : visit.name);
      owner = {
        name,
        line: first,
        lines: (node.loc?.end.line ?? first) - first + 1,
        complexity: 1,
        depth: 0,
      };
      depth = 0;
      found.push(owner);
    }
    if (isDecision(node)) owner.complexity += 1;
    for (const [field, child] of childrenOf(node)) {
      const deeper = NESTING.has(child.type) && !(node.type === 'IfStatement' && field === 'alternate');
      const childDepth = deeper ? depth + 1 : depth;
      owner.depth = Math.max(owner.depth, childDepth);
      open.push({ node: child, owner, depth: childDepth, name: nameOf(node) ?? calleeOf(node) ?? '' });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

function isDecision(node: SyntaxNode): boolean {
  if (DECISIONS.has(node.type) || node.type === 'LogicalExpression') return true;
  if (node.type === 'SwitchCase') return node['test'] !== null;
  return node.type === 'AssignmentExpression' && LOGICAL_ASSIGNMENTS.has(String(node['operator']));
}

/** What a function is called by itself, or by the variable, property or field that holds it. */
function nameOf(node: SyntaxNode): string | undefined {
  for (const field of ['id', 'key', 'left'] as const) {
    const holder = node[field];
    if (!isNode(holder)) continue;
    if (holder.type === 'Identifier') return String(holder['name']);
    if (holder.type === 'PrivateName' && isNode(holder['id'])) return `#${String(holder['id']['name'])}`;
    if (
      holder.type === 'MemberExpression' &&
      isNode(holder['property']) &&
      holder['property'].type === 'Identifier'
    ) {
      return String(holder['property']['name']);
    }
  }
  return undefined;
}

/** A function without a name of its own is told by who takes it. */
function calleeOf({ type, callee }: SyntaxNode): string | undefined {
  if (type !== 'CallExpression' || !isNode(callee)) return undefined;
  const name = callee.type === 'MemberExpression' ? callee['property'] : callee;
  return isNode(name) && name.type === 'Identifier' ? `callback of ${String(name['name'])}` : undefined;
}

function* childrenOf(node: SyntaxNode): Generator<[string, SyntaxNode]> {
  for (const [field, value] of Object.entries(node)) {
    if (field === 'loc' || field === 'errors') continue;
    if (Array.isArray(value)) {
      for (const element of value) if (isNode(element)) yield [field, element];
    } else if (isNode(value)) yield [field, value];
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}
