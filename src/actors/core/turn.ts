// One turn in the making: everything that one input does, machine events included, is applied or taken back as a whole.
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';
import type { Border } from '../../contract/border.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { EventJson, Json, JsonObject } from '../../contract/json.ts';
import type { Outcome } from '../../contract/outcome.ts';
import { toPlain } from '../../contract/plain.ts';
import { applyActions, type Pending } from './actions.ts';
import { closeLeftQuestions } from './asks.ts';
import { addressesOf, type Draft } from './draft.ts';
import { finish, fromMachineError, toMachineError } from './end.ts';
import { LiveMachine, persist } from './live.ts';
import { MAX_ITERATIONS, type ReportedAction } from './scope.ts';
import { toJson, toOutside } from './to-json.ts';

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

  /** Restores the snapshot from before a turn that failed. It is made anew, because its actor system took part in the turn. */
  putBack(snapshot: AnyMachineSnapshot | undefined): void {
    this.#live = undefined;
    if (snapshot === undefined) return;
    this.#live = this.#create();
    this.#live.restore(persist(snapshot, this.#type));
  }

  /** The snapshot as it goes into the state. */
  persisted(): Json {
    const { life, request } = this.draft;
    const { snapshot } = this;
    const json = snapshot === undefined ? (request.state?.snapshot ?? null) : persist(snapshot, this.#type);
    if (life === undefined || life.status === 'active') return json;
    // XState leaves spawned children in the snapshot of a machine that is done; nothing of them lives on here, and
    // output and error lie in the state already.
    const { output: _output, error: _error, ...rest } = json as JsonObject;
    return { ...rest, status: life.status, children: {} };
  }

  start(input: Json): void {
    const live = this.#create();
    this.#live = live;
    live.turn.beginTurn(this.draft.turn + 1);
    const pending: Pending[] = [];
    this.#absorb(live, { type: 'xstate.init', input } as EventObject, live.start(input), pending);
    this.#goOn(live, pending);
  }

  /** False: the machine took no notice of it. */
  deliver(event: EventObject): boolean {
    const { snapshot } = this.#restored();
    this.#run({ event });
    return this.snapshot !== snapshot;
  }

  /** Continues the turn that a start began: ids are drawn on from there. */
  deliverWithin(event: EventObject): void {
    this.#goOn(this.#restored(), [{ event }]);
  }

  /** An event that the machine sent itself some time ago. */
  deliverOwn(event: EventJson): void {
    this.#run({ event: this.#restored().revive(event) as EventObject });
  }

  deliverEnd(childId: string, outcome: Outcome): void {
    this.#run({ childId, outcome });
  }

  follows(childId: string): boolean {
    const child = this.#restored().snapshot?.children[childId] as { _syncSnapshot?: boolean } | undefined;
    return child?._syncSnapshot === true;
  }

  get machine(): AnyStateMachine {
    return this.#machine;
  }

  get #type(): string {
    return this.draft.request.address.type;
  }

  #run(first: Pending): void {
    const live = this.#restored();
    live.turn.beginTurn(this.draft.turn + 1);
    this.#goOn(live, [first]);
  }

  #goOn(live: LiveMachine, pending: Pending[]): void {
    for (let taken = 0; pending.length > 0 && this.draft.life?.status === 'active'; taken += 1) {
      if (taken > MAX_ITERATIONS) {
        const message = `machine '${this.#type}' sent itself ${MAX_ITERATIONS} events in one turn`;
        throw new QuorateError('MACHINE_LOOPS', message);
      }
      this.#take(live, pending.shift() as Pending, pending);
    }
  }

  #take(live: LiveMachine, next: Pending, pending: Pending[]): void {
    if ('event' in next) return this.#absorb(live, next.event, live.step(next.event), pending);
    const { childId, outcome } = next;
    live.endChild(childId, outcome.status);
    const event = endEvent(childId, outcome);
    this.#absorb(live, event, live.step(event), pending);
    live.forgetUnnamed(childId);
  }

  #absorb(
    live: LiveMachine,
    event: EventObject,
    actions: readonly ReportedAction[],
    pending: Pending[],
  ): void {
    const { draft } = this;
    const { snapshot } = live;
    applyActions({ draft, live, machine: this.#machine, pending }, actions);
    // Made plain and not refused: within its turn a machine may send itself anything.
    draft.steps.push({
      turn: draft.turn + 1,
      event: toPlain(event) as EventJson,
      value: toJson(snapshot?.value),
    });
    if (snapshot === undefined || snapshot.status === 'active') return;
    if (snapshot.status === 'done') {
      const { output } = snapshot;
      const border: Border = { of: `machine '${this.#type}'`, path: 'output', code: 'OUTPUT_INVALID' };
      finish(
        draft,
        'done',
        output === undefined ? {} : { output: toOutside(output, border, addressesOf(draft)) },
      );
    } else {
      finish(draft, 'error', { error: fromMachineError(snapshot.error) });
    }
  }

  #create(): LiveMachine {
    const { life, request } = this.draft;
    const { id } = request.address;
    const { childId = id, system = {} } = life?.parent ?? {};
    return new LiveMachine(this.#machine, { id: childId, sessionId: id, names: system });
  }

  #restored(): LiveMachine {
    if (this.#live !== undefined) return this.#live;
    if (this.#unrestorable !== undefined) throw new QuorateError('STATE_INCOMPATIBLE', this.#unrestorable);
    const live = this.#create();
    try {
      live.restore(this.draft.request.state?.snapshot ?? null);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      this.#unrestorable = `the actor's state does not fit this version of machine '${this.#machine.id}': ${why}`;
      throw new QuorateError('STATE_INCOMPATIBLE', this.#unrestorable, { cause: thrown });
    }
    this.#live = live;
    closeLeftQuestions(this.draft, live.snapshot?._nodes ?? []);
    return live;
  }
}

function endEvent(childId: string, outcome: Outcome): EventObject {
  return outcome.status === 'done'
    ? ({ type: `xstate.done.actor.${childId}`, output: outcome.output, actorId: childId } as EventObject)
    : ({
        type: `xstate.error.actor.${childId}`,
        error: toMachineError(outcome.error),
        actorId: childId,
      } as EventObject);
}
