// One turn in the making: everything that one input does, machine events included, is applied or taken back as a whole.
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import type { ActorStatus } from '../../contract/turn.ts';
import { applyActions, doneEvent } from './actions.ts';
import type { Draft } from './draft.ts';
import { fromMachineError, toMachineError } from './errors.ts';
import { closeExecution } from './executions.ts';
import { MAX_ITERATIONS } from './inert.ts';
import { toEventJson, toJson } from './json.ts';
import type { Macrostep } from './live.ts';
import { isUnnamed, LiveMachine } from './live.ts';
import { cancelAllTimers } from './timers.ts';

export class TurnMachine {
  readonly draft: Draft;
  readonly #machine: AnyStateMachine;
  #live: LiveMachine | undefined;
  #unrestorable: string | undefined;

  constructor(machine: AnyStateMachine, draft: Draft) {
    this.#machine = machine;
    this.draft = draft;
  }

  /** The snapshot after the turns so far; undefined when no input has needed the machine yet. */
  get snapshot(): AnyMachineSnapshot | undefined {
    return this.#live?.snapshot;
  }

  /** To put back what `snapshot` gave before a turn that failed: anew, for its actor system took part in the turn. */
  putBack(snapshot: AnyMachineSnapshot | undefined): void {
    this.#live = undefined;
    if (snapshot === undefined) return;
    this.#live = new LiveMachine(this.#machine, this.draft.request.address.id);
    this.#live.restore(persist(snapshot));
  }

  /** The snapshot as it goes into the state. */
  persisted(): Json {
    const { life, request } = this.draft;
    const { snapshot } = this;
    const json = snapshot === undefined ? (request.state?.snapshot ?? null) : persist(snapshot);
    if (life === undefined || life.status === 'active') return json;
    // XState leaves spawned children in the snapshot of a machine that is done; nothing of them lives on here, and
    // output and error lie in the state already.
    const { output: _output, error: _error, ...rest } = json as JsonObject;
    return { ...rest, status: life.status, children: {} };
  }

  start(input: Json): void {
    const live = new LiveMachine(this.#machine, this.draft.request.address.id);
    this.#live = live;
    live.beginTurn(this.draft.turn + 1);
    this.#run(live, { type: 'xstate.init', input } as EventObject, () => live.start(input));
  }

  deliver(event: EventObject): void {
    const live = this.#restored();
    live.beginTurn(this.draft.turn + 1);
    this.#run(live, event, () => live.step(event));
  }

  deliverEnd(childId: string, outcome: Outcome): void {
    const event =
      outcome.status === 'done'
        ? doneEvent(childId, outcome.output)
        : { type: `xstate.error.actor.${childId}`, error: toMachineError(outcome.error), actorId: childId };
    const live = this.#restored();
    const ended: unknown = live.snapshot?.children[childId];
    this.deliver(event);
    if (isUnnamed(childId)) forgetChild(live, childId, ended);
  }

  follows(childId: string): boolean {
    const child = this.#restored().snapshot?.children[childId] as { _syncSnapshot?: boolean } | undefined;
    return child?._syncSnapshot === true;
  }

  /** The actor's end, by itself or by being stopped: tells everyone who waits and lets go of everything (I9). */
  finish(
    status: Exclude<ActorStatus, 'active'>,
    end: { readonly output?: Json; readonly error?: ErrorJson },
  ): void {
    const { draft } = this;
    const { life } = draft;
    if (life === undefined) return;
    for (const id of [...draft.executions.entries()].map(([key]) => key)) closeExecution(draft, id, 'stop');
    cancelAllTimers(draft);
    const outcome = toOutcome(end);
    for (const to of draft.waiters) draft.ask({ kind: 'reply', to, outcome });
    if (life.parent !== undefined) draft.ask({ kind: 'reply', to: life.parent.reply, outcome });
    draft.waiters = [];
    draft.life = { ...life, ...end, status, endedAt: draft.now };
  }

  #run(live: LiveMachine, first: EventObject, macrostep: () => Macrostep): void {
    const pending: EventObject[] = [];
    this.#absorb(live, first, macrostep(), pending);
    for (let taken = 0; pending.length > 0 && this.draft.life?.status === 'active'; taken += 1) {
      if (taken === MAX_ITERATIONS)
        throw new Error(`the machine sent itself ${MAX_ITERATIONS} events in one turn`);
      const event = pending.shift() as EventObject;
      this.#absorb(live, event, live.step(event), pending);
    }
  }

  #absorb(live: LiveMachine, event: EventObject, { actions }: Macrostep, pending: EventObject[]): void {
    const { draft } = this;
    const { snapshot } = live;
    applyActions({ draft, live, machine: this.#machine, pending }, actions);
    draft.steps.push({ event: toEventJson(event), value: toJson(snapshot?.value) });
    if (snapshot === undefined || snapshot.status === 'active') return;
    if (snapshot.status === 'done') {
      this.finish('done', snapshot.output === undefined ? {} : { output: toJson(snapshot.output) });
    } else {
      this.finish('error', { error: fromMachineError(snapshot.error) });
    }
  }

  #restored(): LiveMachine {
    if (this.#live !== undefined) return this.#live;
    if (this.#unrestorable !== undefined) throw new QuorateError('STATE_INCOMPATIBLE', this.#unrestorable);
    const live = new LiveMachine(this.#machine, this.draft.request.address.id);
    try {
      live.restore(this.draft.request.state?.snapshot ?? null);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      this.#unrestorable = `the actor's state does not fit this version of machine '${this.#machine.id}': ${why}`;
      throw new QuorateError('STATE_INCOMPATIBLE', this.#unrestorable, { cause: thrown });
    }
    this.#live = live;
    return live;
  }
}

/** XState keeps spawned children after their end; those without a name nobody can address, so they are not kept here. */
function forgetChild(live: LiveMachine, childId: string, ended: unknown): void {
  const { snapshot } = live;
  if (snapshot === undefined || ended === undefined || snapshot.children[childId] !== ended) return;
  const { [childId]: _, ...children } = snapshot.children;
  live.snapshot = { ...snapshot, children } as AnyMachineSnapshot;
}

function persist(snapshot: AnyMachineSnapshot): Json {
  return toJson(snapshot.machine.getPersistedSnapshot(snapshot));
}

export function toOutcome(end: { readonly output?: Json; readonly error?: ErrorJson }): Outcome {
  return end.error === undefined
    ? { status: 'done', output: end.output ?? null }
    : { status: 'error', error: end.error };
}
