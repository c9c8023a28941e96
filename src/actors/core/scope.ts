// The scope in which XState runs a machine inside a turn: it collects what the machine wants done instead of doing it, and the
// machine's children do nothing. This file and live.ts are the border to XState's internals (sendParent, system ids and restoring
// need an own scope).
import {
  type AnyActorLogic,
  type AnyActorRef,
  type AnyActorScope,
  type AnyStateMachine,
  createActor,
  type EventObject,
  type Snapshot,
} from 'xstate';
import type { ActorAddress } from '../../contract/address.ts';
import { announceQuestions } from './ask-meta.ts';
import { PARENT_ID, refuseSend, SELF_ID, standIn } from './references.ts';

// A machine whose children do nothing: every named logic is replaced by a stub, so that a child costs a few bytes of the
// persisted snapshot and its input appears in the spawnChild action only. What a name stands for is decided in logic.ts.

/** A macrostep with more microsteps is a loop, unless the machine sets its own limit. XState itself has none. */
export const MAX_ITERATIONS = 1_000;
/** The highest limit that a machine may set: so many microsteps take seconds, as long as a turn may. */
const MOST_ITERATIONS = 100_000;

type Status = 'active' | 'done' | 'error';

const SNAPSHOTS = {
  active: { status: 'active', output: undefined, error: undefined },
  done: { status: 'done', output: undefined, error: undefined },
  error: { status: 'error', output: undefined, error: undefined },
} as const satisfies Record<Status, Snapshot<unknown>>;

/** A child's status is all that its parent keeps of it. */
function childSnapshot(status: Status): Snapshot<unknown> {
  return SNAPSHOTS[status];
}

export const INERT_LOGIC: AnyActorLogic = {
  transition: (snapshot) => snapshot,
  getInitialSnapshot: () => SNAPSHOTS.active,
  getPersistedSnapshot: (snapshot) => snapshot,
  restoreSnapshot: (persisted) => childSnapshot((persisted as { status: Status }).status),
};

const clones = new WeakMap<AnyStateMachine, AnyStateMachine>();

export function toInertMachine(machine: AnyStateMachine): AnyStateMachine {
  const known = clones.get(machine);
  if (known !== undefined) return known;
  const clone = machine.provide({});
  // A proxy, not a list: agents and registered machines are invoked by names that the machine does not implement.
  clone.implementations.actors = new Proxy({}, { get: () => INERT_LOGIC });
  const own = clone.options?.maxIterations ?? Infinity;
  clone.options = {
    ...clone.options,
    maxIterations: Number.isFinite(own) ? Math.min(own, MOST_ITERATIONS) : MAX_ITERATIONS,
  };
  announceQuestions(clone);
  clones.set(machine, clone);
  return clone;
}

/** An action as XState reports it. `params` are the action's own, resolved; see actions.ts for their shapes. */
export interface ReportedAction {
  readonly type: string;
  readonly params: unknown;
  readonly event: EventObject;
  /** Implementation of a custom action. */
  readonly exec: unknown;
}

export interface Identity {
  /** The machine's `self.id`: of a child the id that its parent knows it by, as under createActor. */
  readonly id: string;
  readonly sessionId: string;
  /** System ids of the actors that were there before this one. */
  readonly names: Readonly<Record<string, ActorAddress>>;
}

const UNNAMED = 'x:';

/** Children spawned without an id. */
export function isUnnamed(childId: string): boolean {
  return childId.startsWith(UNNAMED);
}

interface SystemInternals {
  _bookId(): string;
  _unregister(actor: AnyActorRef): void;
}

/** Takes what sendParent() sends. The state knows whether there is a parent; XState does not. */
const PARENT = standIn(PARENT_ID);

export class TurnScope {
  readonly scope: AnyActorScope;
  readonly self: AnyActorRef;
  readonly parent: AnyActorRef = PARENT;
  actions: ReportedAction[] = [];
  readonly #system: SystemInternals;
  readonly #own: () => Readonly<Record<string, AnyActorRef>>;
  #turn = 0;
  #booked = 0;

  constructor({ id, sessionId, names }: Identity) {
    const self = createActor(INERT_LOGIC, { id });
    const { system } = self;
    const { get } = system;
    this.#own = system.getAll;
    Object.assign(system, {
      // XState names unnamed children by their session id: it must not depend on what else this thread has run.
      _bookId: () => `${UNNAMED}${this.#turn}.${this.#booked++}`,
      _relay: (_source: unknown, target: AnyActorRef) => refuseSend(target.id),
      get: (name: string) => get(name) ?? (Object.hasOwn(names, name) ? names[name] : undefined),
      getAll: () => ({ ...names, ...this.#own() }),
    });
    this.#system = system as unknown as SystemInternals;
    const written = { xstate$$type: 1, id: SELF_ID };
    Object.assign(self, { _parent: PARENT, sessionId, toJSON: () => written });
    this.self = self;
    this.scope = {
      self,
      id,
      sessionId,
      system,
      logger: () => {},
      defer: () => {},
      emit: () => {},
      stopChild: () => {},
      actionExecutor: ({ type, params, info, exec }) => {
        this.actions.push({ type, params, event: info.event, exec });
        // Frees the system id at once, as XState does: a re-entered invoke takes it again in the same macrostep.
        if (type === 'xstate.stopChild' && params !== undefined)
          this.#system._unregister(params as unknown as AnyActorRef);
      },
    };
  }

  /** Ids drawn in a turn follow from the number of the turn: a batch gives the same ids however it is cut. */
  beginTurn(turn: number): void {
    this.#turn = turn;
    this.#booked = 0;
  }

  /** This actor's own children that have a system id. */
  named(): Readonly<Record<string, AnyActorRef>> {
    return this.#own();
  }

  /** What is left of a child that has ended: its status. Its system id is free again. */
  ended(child: AnyActorRef & { readonly _syncSnapshot?: boolean }, status: 'done' | 'error'): AnyActorRef {
    this.#system._unregister(child);
    return createActor(INERT_LOGIC, {
      id: child.id,
      parent: this.self,
      snapshot: childSnapshot(status),
      ...(child.src === undefined ? {} : { src: child.src }),
      ...(child._syncSnapshot === undefined ? {} : { syncSnapshot: child._syncSnapshot }),
    } as never);
  }
}
