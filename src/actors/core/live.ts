// A machine between two turns: its snapshot and the scope that collects what it wants done. This file is the border to
// XState's internals (sendParent and restoring children need an own scope); the rest sees data.

import type { AnyActorRef, AnyActorScope, AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';
import { createActor } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { INERT_LOGIC, toInertMachine } from './inert.ts';
import { copyForRevival } from './revival.ts';

/** An action as XState reports it. `params` are the action's own, resolved; see actions.ts for their shapes. */
export interface ReportedAction {
  readonly type: string;
  readonly params: unknown;
  readonly event: EventObject;
  /** Implementation of a custom action. */
  readonly exec: unknown;
}

export interface Macrostep {
  readonly actions: readonly ReportedAction[];
}

const UNNAMED = 'x:';

/** Children spawned without an id. */
export function isUnnamed(childId: string): boolean {
  return childId.startsWith(UNNAMED);
}

/** Where sendParent() ends up; whether there is a parent is known to the state, not to XState. */
const PARENT = Object.freeze({ id: '#_parent', sessionId: '#_parent' }) as unknown as AnyActorRef;

interface SystemInternals {
  _bookId(): string;
  _unregister(actor: AnyActorRef): void;
}

export class LiveMachine {
  readonly machine: AnyStateMachine;
  readonly self: AnyActorRef;
  readonly parent: AnyActorRef;
  snapshot: AnyMachineSnapshot | undefined;
  readonly #scope: AnyActorScope;
  #actions: ReportedAction[] = [];
  #turn = 0;
  #booked = 0;

  constructor(machine: AnyStateMachine, id: string) {
    this.machine = toInertMachine(machine);
    const self = createActor(INERT_LOGIC, { id });
    const internals = self.system as unknown as SystemInternals;
    // Unnamed children are called by their session id: it must not depend on what else this thread has run.
    internals._bookId = () => `${UNNAMED}${this.#turn}.${this.#booked++}`;
    this.parent = PARENT;
    Object.assign(self, { _parent: this.parent, sessionId: id, send: refuseSend });
    this.self = self;
    this.#scope = {
      self,
      id,
      sessionId: id,
      system: self.system,
      logger: () => {},
      defer: () => {},
      emit: () => {},
      stopChild: () => {},
      actionExecutor: ({ type, params, info, exec }) => {
        this.#actions.push({ type, params, event: info.event, exec });
        // Frees the system id at once, as XState does: a re-entered invoke takes it again in the same macrostep.
        if (type === 'xstate.stopChild' && params !== undefined)
          internals._unregister(params as unknown as AnyActorRef);
      },
    };
  }

  /** Ids drawn in a turn follow from its number, so that a batch gives the same ids however it is cut. */
  beginTurn(turn: number): void {
    this.#turn = turn;
    this.#booked = 0;
  }

  start(input: Json): Macrostep {
    this.#actions = [];
    const snapshot = this.machine.getInitialSnapshot(this.#scope, input) as AnyMachineSnapshot;
    if (snapshot.status === 'error') throw snapshot.error;
    return this.#settle(snapshot, undefined);
  }

  step(event: EventObject): Macrostep {
    const before = this.snapshot;
    if (before === undefined) throw new Error('a machine steps only after its start or restore');
    this.#actions = [];
    Object.assign(this.self, { _snapshot: before });
    return this.#settle(this.machine.transition(before, event, this.#scope), before);
  }

  /** Throws when the snapshot names a state that this version of the machine does not have. */
  restore(persisted: Json): void {
    // restoreSnapshot puts actor references into the context it is given.
    const copy = copyForRevival(persisted);
    this.snapshot = this.machine.restoreSnapshot(copy as never, this.#scope) as AnyMachineSnapshot;
  }

  #settle(next: AnyMachineSnapshot, before: AnyMachineSnapshot | undefined): Macrostep {
    const actions = this.#actions;
    this.snapshot = next.children === before?.children ? next : withSpawnedChildren(next, before, actions);
    return { actions };
  }
}

/**
 * XState files a child without an id under 'undefined', and reports no action for `spawn` inside `assign`: the first is
 * filed under its own id here, the second is refused, for nothing would ever run it.
 */
function withSpawnedChildren(
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
        `child '${id}' was made by spawn() inside assign(); use the spawnChild() action or invoke`,
      );
    }
    if (id !== 'undefined') children[id] = child;
  }
  for (const child of unnamed) children[child.id] = child;
  return { ...next, children };
}

function refuseSend(): never {
  throw new QuorateError(
    'MACHINE_NOT_DURABLE',
    'self.send() was called inside a turn; use the raise() action',
  );
}
