// XState's actions to effects, one case an action. Immediate raises are already consumed inside the macrostep.
import type { AnyActorRef, EventObject } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';
import { toPlain } from '../../contract/plain.ts';
import type { ActionContext, RaiseParams, SendParams } from './action-context.ts';
import { addressesOf, namesOf } from './addresses.ts';
import type { Draft } from './draft.ts';
import { closeExecution, openExecution } from './executions.ts';
import { isNamedInvoke } from './invokes.ts';
import { toEventOutside, toOutside } from './json.ts';
import { resolveSource } from './resolve.ts';
import type { ReportedAction } from './scope.ts';
import { applyRaise, applySend } from './sends.ts';
import { cancelTimersNamed } from './timers.ts';

/** All actions of one macrostep, in order. */
export function applyActions(
  common: Omit<ActionContext, 'starting' | 'addressOf'>,
  actions: readonly ReportedAction[],
): void {
  const { draft, live } = common;
  const starting = new Map<AnyActorRef, SendParams[]>();
  for (const { type, params } of actions) {
    if (type === 'xstate.spawnChild') starting.set((params as SpawnParams).actorRef, []);
  }
  const spawns = starting.size > 0;
  const context = { ...common, addressOf: addressesOf(draft), starting };
  for (const action of actions) applyAction(context, action);
  if (spawns) draft.nameActors(namesOf(draft, live.turn.named()));
}

function applyAction(context: ActionContext, action: ReportedAction): void {
  const { draft, addressOf } = context;
  switch (action.type) {
    case 'xstate.raise':
      return applyRaise(draft, action.params as RaiseParams);
    case 'xstate.sendTo':
      return applySend(context, action.params as SendParams);
    case 'xstate.spawnChild':
      return applySpawn(context, action.params as SpawnParams);
    case 'xstate.stopChild': {
      const child = action.params as AnyActorRef | undefined;
      const execution = child === undefined ? undefined : draft.executionOf(child.id);
      if (execution !== undefined) closeExecution(draft, execution, 'stop');
      return;
    }
    case 'xstate.cancel':
      return cancelTimersNamed(draft, (action.params as { sendId: string }).sendId);
    case 'xstate.emit': {
      const { event } = action.params as { event: EventObject };
      const emitted = toEventOutside(event, `emit of ${machineOf(draft)}`, addressOf, 'OUTPUT_INVALID');
      return draft.ask({ kind: 'emit', event: emitted });
    }
    case 'xstate.log': {
      const { label, value } = action.params as { label?: string; value: unknown };
      return draft.ask({ kind: 'log', label: label ?? null, value: toPlain(value) });
    }
    default:
      return applyCustom(context, action);
  }
}

interface SpawnParams {
  readonly actorRef: AnyActorRef & { readonly _syncSnapshot?: boolean };
  readonly src: unknown;
  readonly input: unknown;
}

function applySpawn(context: ActionContext, { actorRef, src, input }: SpawnParams): void {
  const { addressOf, draft, machine, pending, starting } = context;
  const { address, registry } = draft.request;
  if (typeof src !== 'string' || src.startsWith('xstate.invoke.')) {
    throw new QuorateError(
      'MACHINE_NOT_DURABLE',
      `machine '${address.type}': child '${actorRef.id}' has an inline logic; name it in setup({ actors })`,
    );
  }
  const opened = openExecution(draft, resolveSource(machine, address.type, src, registry), {
    childId: actorRef.id,
    src,
    input: toOutside(
      input,
      { of: `'${actorRef.id}' of ${machineOf(draft)}`, path: 'input', code: 'INPUT_INVALID' },
      addressOf,
    ),
    syncSnapshot: actorRef._syncSnapshot === true,
    ...(isNamedInvoke(machine, actorRef.id) ? { invoked: true as const } : {}),
  });
  if (opened.kind === 'complete')
    pending.push({ childId: actorRef.id, outcome: { status: 'done', output: opened.output } });
  const early = starting.get(actorRef) ?? [];
  starting.delete(actorRef);
  for (const params of early) applySend(context, params);
}

function applyCustom(
  { addressOf, draft, machine }: ActionContext,
  { type, params, event, exec }: ReportedAction,
): void {
  // Named but not implemented: XState does nothing, and so do we.
  if (exec === undefined) return;
  if (machine.implementations.actions[type] !== exec) {
    throw new QuorateError(
      'MACHINE_NOT_DURABLE',
      `machine '${draft.request.address.type}': inline action '${type}' can not run after a commit in another process; name it in setup({ actions })`,
    );
  }
  const of = `action '${type}' of ${machineOf(draft)}`;
  draft.ask({
    kind: 'action',
    name: type,
    params: toOutside(params ?? null, { of, path: 'params', code: 'INPUT_INVALID' }, addressOf),
    event: toEventOutside(event, of, addressOf),
  });
}

function machineOf({ request }: Draft): string {
  return `machine '${request.address.type}'`;
}
