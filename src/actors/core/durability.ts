// Refuses at registration what could not be carried out after a commit, in another process: inline actions and logics.
// Only spawn() inside assign() escapes a look at the definition; live.ts refuses it when it happens.
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';

/** Names of the logics that the definition invokes or spawns. */
export function checkDurable(machine: AnyStateMachine, type: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of nodesOf(machine.root)) checkNode(node, type, names);
  for (const [name, action] of Object.entries(machine.implementations.actions)) {
    if (isBuiltIn(action)) checkAction(action, `action '${name}' of machine '${type}'`, names);
  }
  return names;
}

function nodesOf(root: AnyStateNode): AnyStateNode[] {
  return [root, ...Object.values(root.states).flatMap((node) => nodesOf(node))];
}

function checkNode(node: AnyStateNode, type: string, names: Set<string>): void {
  const state = `state '${node.path.join('.') || '(root)'}' of machine '${type}'`;
  for (const action of node.entry) checkAction(action, `entry of ${state}`, names);
  for (const action of node.exit) checkAction(action, `exit of ${state}`, names);
  const transitions = [...node.transitions.values()].flat();
  for (const { eventType, actions } of [...transitions, ...(node.always ?? [])]) {
    for (const action of actions) checkAction(action, `transition on '${eventType}' in ${state}`, names);
  }
  if (node.config.initial !== undefined) {
    for (const action of node.initial.actions) checkAction(action, `initial transition of ${state}`, names);
  }
  for (const { src } of invokesOf(node)) checkSource(src, `invoke in ${state}`, names);
}

function invokesOf(node: AnyStateNode): readonly { readonly src: unknown }[] {
  const { invoke } = node.config as { invoke?: unknown };
  if (invoke === undefined) return [];
  return (Array.isArray(invoke) ? invoke : [invoke]) as readonly { readonly src: unknown }[];
}

function checkAction(action: unknown, where: string, names: Set<string>): void {
  if (typeof action !== 'function') return;
  if (!isBuiltIn(action)) {
    const name = action.name === '' ? '' : ` '${action.name}'`;
    throw new QuorateError(
      'MACHINE_NOT_DURABLE',
      `${where}: inline action${name}; put it into setup({ actions: { name } }) and write its name`,
    );
  }
  if (action.type === 'xstate.spawnChild') checkSource(action.src, `spawnChild in ${where}`, names);
}

function checkSource(src: unknown, where: string, names: Set<string>): void {
  if (typeof src === 'string') {
    names.add(src);
    return;
  }
  throw new QuorateError(
    'MACHINE_NOT_DURABLE',
    `${where}: inline logic; put it into setup({ actors: { name } }) and write src: 'name'`,
  );
}

/** XState's own actions (assign, raise, sendTo, ...) resolve to data inside the turn. */
function isBuiltIn(action: unknown): action is { readonly type: string; readonly src?: unknown } {
  return typeof action === 'function' && 'resolve' in action;
}
