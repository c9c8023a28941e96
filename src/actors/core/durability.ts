// Refuses at registration what could not be carried out after a commit, in another process: inline actions and logics,
// spawn() in an assign, a context that is no JSON. Every refusal names the machine, the place and what to write instead.
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';
import { contextToJson } from './to-json.ts';

/** Names of the logics that the definition invokes or spawns, each with the first place that names it. */
export type Sources = ReadonlyMap<string, string>;

export function checkDurable(machine: AnyStateMachine, type: string): Sources {
  const check = new Check();
  const context: unknown = machine.config.context;
  if (typeof context === 'function') check.assigner(context, `context of machine '${type}'`);
  else if (context !== undefined) contextToJson(context, type);
  for (const node of nodesOf(machine.root)) checkNode(node, type, check);
  for (const [name, action] of Object.entries(machine.implementations.actions)) {
    if (isBuiltIn(action)) check.action(action, `action '${name}' of machine '${type}'`);
  }
  return check.sources;
}

function nodesOf(root: AnyStateNode): AnyStateNode[] {
  return [root, ...Object.values(root.states).flatMap((node) => nodesOf(node))];
}

function checkNode(node: AnyStateNode, type: string, check: Check): void {
  const state = `state '${node.path.join('.') || '(root)'}' of machine '${type}'`;
  for (const action of node.entry) check.action(action, `entry of ${state}`);
  for (const action of node.exit) check.action(action, `exit of ${state}`);
  const transitions = [...node.transitions.values()].flat();
  for (const { eventType, actions } of [...transitions, ...(node.always ?? [])]) {
    for (const action of actions) check.action(action, `transition on '${eventType}' in ${state}`);
  }
  if (node.config.initial !== undefined) {
    for (const action of node.initial.actions) check.action(action, `initial transition of ${state}`);
  }
  for (const { src, id } of invokesOf(node)) {
    check.source(src, `invoke${id === undefined ? '' : ` '${id}'`} in ${state}`);
  }
}

interface Invoke {
  readonly src: unknown;
  readonly id?: string;
}

function invokesOf(node: AnyStateNode): readonly Invoke[] {
  const { invoke } = node.config as { invoke?: unknown };
  if (invoke === undefined) return [];
  return (Array.isArray(invoke) ? invoke : [invoke]) as readonly Invoke[];
}

class Check {
  readonly sources = new Map<string, string>();

  action(action: unknown, where: string): void {
    if (typeof action !== 'function') return;
    if (!isBuiltIn(action)) {
      const name = action.name === '' ? '' : ` '${action.name}'`;
      refuse(`${where}: inline action${name}; put it into setup({ actions: { name } }) and write its name`);
    }
    switch (action.type) {
      case 'xstate.spawnChild':
        return this.source(action.src, `spawnChild in ${where}`);
      case 'xstate.assign':
        return this.assignment(action.assignment, `assign in ${where}`);
      case 'xstate.enqueueActions':
        for (const queued of enqueuedActions(action.collect))
          this.action(queued, `enqueueActions in ${where}`);
    }
  }

  source(src: unknown, where: string): void {
    if (typeof src !== 'string') {
      refuse(`${where}: inline logic; put it into setup({ actors: { name } }) and write src: 'name'`);
    }
    if (!this.sources.has(src)) this.sources.set(src, where);
  }

  assignment(assignment: unknown, where: string): void {
    if (typeof assignment === 'function') return this.assigner(assignment, where);
    for (const [key, assigner] of Object.entries(assignment as object)) {
      this.assigner(assigner, `${where}, '${key}'`);
    }
  }

  assigner(assigner: unknown, where: string): void {
    if (callsSpawn(assigner)) {
      refuse(`${where}: spawn(); use the action spawnChild('name', { id }), or invoke, and keep the id`);
    }
  }
}

function refuse(message: string): never {
  throw new QuorateError('MACHINE_NOT_DURABLE', message);
}

interface BuiltIn {
  readonly type: string;
  readonly src?: unknown;
  readonly assignment?: unknown;
  readonly collect?: unknown;
}

/** XState's own actions (assign, raise, sendTo, ...) resolve to data inside the turn. */
export function isBuiltIn(action: unknown): action is BuiltIn {
  return typeof action === 'function' && 'resolve' in action;
}

// Looks into functions that a machine runs inside turns for what could not be durable: spawn() in an assign, an inline
// action in enqueueActions. What their text makes likely is confirmed by calling them with arguments that stand for
// anything. What this misses is refused when it happens (live.ts, actions.ts).

type AnyFunction = (...args: unknown[]) => unknown;

/** `enqueue((…) => …)`, `enqueue(async x => …)`, `enqueue(function …)`, whatever enqueue is called. */
const QUEUES_A_FUNCTION = /\w\(\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*=>|\w+\s*=>)/;

/** A loop that could run for ever on arguments that stand for anything: such a function is not called. */
const MAY_NOT_END = /\b(?:while|do)\b|\bfor\s*\([^;)]*;/;

function callsSpawn(assigner: unknown): boolean {
  if (typeof assigner !== 'function') return false;
  const text = textOf(assigner);
  if (!text.includes('spawn') || MAY_NOT_END.test(text)) return false;
  let read = false;
  call(assigner, (key) => {
    if (key === 'spawn') read = true;
  });
  return read;
}

/** What an `enqueueActions` enqueues, as far as that can be seen without an event. */
function enqueuedActions(collect: unknown): readonly unknown[] {
  if (typeof collect !== 'function') return [];
  const text = textOf(collect);
  if (MAY_NOT_END.test(text) || !(QUEUES_A_FUNCTION.test(text) || /spawn/i.test(text))) return [];
  const queued: unknown[] = [];
  const enqueue = Object.assign((action: unknown) => queued.push(action), {
    assign: (assignment: unknown) => queued.push(builtIn('xstate.assign', { assignment })),
    spawnChild: (src: unknown) => queued.push(builtIn('xstate.spawnChild', { src })),
  });
  call(collect, () => undefined, {
    enqueue: new Proxy(enqueue, { get: (at, key) => Reflect.get(at, key) ?? ANYTHING }),
  });
  return queued;
}

function builtIn(type: string, more: object): unknown {
  return Object.assign(() => undefined, { type, resolve: true, ...more });
}

function textOf(fn: unknown): string {
  return Function.prototype.toString.call(fn);
}

function call(
  fn: unknown,
  onRead: (key: PropertyKey) => void,
  known: Readonly<Record<string, unknown>> = {},
): void {
  const args = new Proxy(known, {
    get(target, key) {
      onRead(key);
      return Reflect.get(target, key) ?? ANYTHING;
    },
  });
  try {
    (fn as AnyFunction)(args, ANYTHING);
  } catch {
    // The function expected other arguments: nothing was learnt.
  }
}

/** A proxy that gives itself for every property and call. In a comparison or a text it is empty, and it has no items. */
const ANYTHING: unknown = new Proxy(() => undefined, {
  get: (_target, key) => {
    if (key === Symbol.toPrimitive) return () => '';
    if (key === Symbol.iterator) return () => [].values();
    return key === 'then' ? undefined : ANYTHING;
  },
  set: () => true,
  apply: () => ANYTHING,
  construct: () => ANYTHING as object,
});
