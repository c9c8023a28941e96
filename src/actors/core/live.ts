// A machine between two turns: its snapshot, and the scope that collects what it wants done. Beside scope.ts the only
// file that knows XState's internals; the rest sees data.
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { mapReferences, PARENT_ID, SELF_ID, standIn } from './references.ts';
import { type Identity, isUnnamed, type ReportedAction, TurnScope, toInertMachine } from './scope.ts';
import { contextToJson, toJson } from './to-json.ts';

export class LiveMachine {
  readonly machine: AnyStateMachine;
  readonly turn: TurnScope;
  snapshot: AnyMachineSnapshot | undefined;

  constructor(machine: AnyStateMachine, identity: Identity) {
    this.machine = toInertMachine(machine);
    this.turn = new TurnScope(identity);
  }

  /** Gives what the first macrostep wants done. */
  start(input: Json): readonly ReportedAction[] {
    this.turn.actions = [];
    // JSON has no undefined, which is what a machine gets that is started without input.
    const given = input ?? undefined;
    const snapshot = this.machine.getInitialSnapshot(this.turn.scope, given) as AnyMachineSnapshot;
    if (snapshot.status === 'error') throw snapshot.error;
    return this.#settle(snapshot, undefined);
  }

  step(event: EventObject): readonly ReportedAction[] {
    const before = this.#known();
    this.turn.actions = [];
    Object.assign(this.turn.self, { _snapshot: before });
    return this.#settle(this.machine.transition(before, event, this.turn.scope), before);
  }

  /** Throws when the snapshot names a state that this version of the machine does not have. */
  restore(persisted: Json): void {
    const { context, ...rest } = persisted as { context: Json };
    // XState would put references into the context it is given, and lose those of actors that are gone.
    const bare = { ...rest, context: {} };
    const snapshot = this.machine.restoreSnapshot(bare as never, this.turn.scope) as AnyMachineSnapshot;
    this.snapshot = snapshot;
    snapshot.context = this.revive(context) as never;
  }

  /** Written references as living ones: of children, of the actor itself, of its parent. */
  revive(value: Json): unknown {
    const { children } = this.#known();
    return mapReferences(value, (id) => {
      const child: unknown = children[id];
      if (child !== undefined) return child;
      if (id === SELF_ID || id === this.turn.self.id) return this.turn.self;
      return id === PARENT_ID ? this.turn.parent : standIn(id);
    });
  }

  /** Before the machine is told of a child's end, as in XState. */
  endChild(childId: string, status: 'done' | 'error'): void {
    const snapshot = this.#known();
    const child = snapshot.children[childId] as AnyActorRef | undefined;
    if (child === undefined) return;
    const ended = this.turn.ended(child, status);
    this.snapshot = {
      ...snapshot,
      children: { ...snapshot.children, [childId]: ended },
    } as AnyMachineSnapshot;
  }

  /** XState keeps spawned children after their end. Those without a name are removed here: nobody can address them. */
  forgetUnnamed(childId: string): void {
    const snapshot = this.#known();
    if (!isUnnamed(childId)) return;
    const { [childId]: child, ...children } = snapshot.children as Record<string, AnyActorRef>;
    if (child === undefined || child.getSnapshot().status === 'active') return;
    this.snapshot = { ...snapshot, children } as AnyMachineSnapshot;
  }

  #known(): AnyMachineSnapshot {
    if (this.snapshot === undefined) throw new Error('a machine steps only after its start or restore');
    return this.snapshot;
  }

  #settle(next: AnyMachineSnapshot, before: AnyMachineSnapshot | undefined): readonly ReportedAction[] {
    const { actions } = this.turn;
    this.snapshot =
      next.children === before?.children ? next : withSpawnedChildren(this.machine.id, next, before, actions);
    return actions;
  }
}

export function persist(snapshot: AnyMachineSnapshot, type: string): Json {
  const { context, ...rest } = snapshot.machine.getPersistedSnapshot(snapshot) as unknown as Record<
    string,
    unknown
  >;
  return { ...(toJson(rest) as object), context: contextToJson(context, type) };
}

/**
 * XState files a child without an id under 'undefined': it gets its own id here. XState reports no action for `spawn` inside
 * `assign`: that is refused, because nothing would ever run the child.
 */
function withSpawnedChildren(
  machine: string,
  next: AnyMachineSnapshot,
  before: AnyMachineSnapshot | undefined,
  actions: readonly ReportedAction[],
): AnyMachineSnapshot {
  const known = new Set<AnyActorRef>(Object.values(before?.children ?? {}));
  const unnamed = new Set<AnyActorRef>();
  for (const action of actions) {
    if (action.type === 'xstate.spawnChild') {
      const { id, actorRef } = action.params as { id: unknown; actorRef: AnyActorRef };
      known.add(actorRef);
      if (id === undefined) unnamed.add(actorRef);
    }
    if (action.type === 'xstate.stopChild') unnamed.delete(action.params as AnyActorRef);
  }
  const children: Record<string, AnyActorRef> = {};
  for (const [id, child] of Object.entries(next.children) as [string, AnyActorRef][]) {
    if (!known.has(child)) {
      throw new QuorateError(
        'MACHINE_NOT_DURABLE',
        `machine '${machine}': child '${id}' was made by spawn() inside assign(); use the spawnChild() action or invoke`,
      );
    }
    if (id !== 'undefined') children[id] = child;
  }
  for (const child of unnamed) children[child.id] = child;
  return { ...next, children };
}
