// The same case as durable actors: the real core, one turn a message, the state through JSON before and after every turn.
// What Service Bus and the pumps do in between is done here in memory: messages in order, timers, tasks and their replies.
import type { AnyStateMachine } from 'xstate';
import { describeMachine } from '../../../src/actors/core/describe.ts';
import { runTurns } from '../../../src/actors/core/run-turns.ts';
import { loadMachine } from '../../../src/actors/worker/load-machine.ts';
import { runPromise } from '../../../src/actors/worker/run-logic.ts';
import type { ActorAddress } from '../../../src/contract/address.ts';
import { formatAddress } from '../../../src/contract/address.ts';
import type { Effect } from '../../../src/contract/effect.ts';
import type { ErrorJson } from '../../../src/contract/outcome.ts';
import type { MachineRef, Registry, TurnInput, TurnRequest, TurnResult } from '../../../src/contract/turn.ts';
import type { MachineDescription } from '../../../src/contract/worker.ts';
import type { Case, Step } from './case.ts';
import { untilQuiet, useClock, VirtualClock } from './clock.ts';
import type { Observation, View } from './observe.ts';
import { Ledger, plain, ROOT } from './observe.ts';
import { States } from './states.ts';

/** One turn that was run, for running it again elsewhere. */
export interface Turn {
  readonly request: TurnRequest;
  readonly result: Omit<TurnResult, 'threadId'>;
}

export interface DurableRun {
  readonly observations: readonly Observation[];
  readonly turns: readonly Turn[];
  /** Inputs that the machine rejected, by path: the message is dead-lettered, its actor goes on. */
  readonly rejected: readonly (readonly [string, ErrorJson])[];
}

interface Delivery {
  readonly to: ActorAddress;
  readonly input: TurnInput;
}

type Of<K extends Effect['kind']> = Extract<Effect, { kind: K }>;

export async function runDurable(given: Case): Promise<DurableRun> {
  const town = new Town(given);
  useClock(town.clock);
  await town.load();
  const observations: Observation[] = [];
  for (const [step] of given.script) observations.push(await town.take(step));
  const { turns, rejected } = town;
  return { observations, turns, rejected };
}

class Town {
  readonly clock = new VirtualClock();
  readonly turns: Turn[] = [];
  readonly rejected: (readonly [string, ErrorJson])[] = [];
  readonly #given: Case;
  readonly #machines = new Map<string, { readonly ref: MachineRef; readonly machine: AnyStateMachine }>();
  readonly #states = new States();
  readonly #paths = new Map<string, string>();
  readonly #queue: Delivery[] = [];
  readonly #ledger = new Ledger();
  readonly #registry: Registry;
  readonly #root: ActorAddress = { type: ROOT, id: ROOT };

  constructor(given: Case) {
    const { name, machine: root, machines, module } = given;
    this.#given = given;
    this.#register(root, { type: ROOT, module, export: name, version: '1', path: [] });
    for (const [type, machine] of Object.entries(machines)) {
      this.#register(machine, { type, module, export: type, version: '1', path: [] });
    }
    this.#registry = {
      agents: {},
      machines: Object.fromEntries([...this.#machines.keys()].map((type) => [type, true as const])),
    };
    this.#paths.set(formatAddress(this.#root), ROOT);
  }

  /** As registration does: the machine, and what it brings along under `<type>.<src>`. */
  #register(machine: AnyStateMachine, ref: MachineRef): void {
    const add = (description: MachineDescription, logic: AnyStateMachine): void => {
      this.#machines.set(description.machine.type, { ref: description.machine, machine: logic });
      for (const source of description.sources) {
        if (source.kind !== 'machine') continue;
        add(source.description, logic.implementations.actors[source.src] as AnyStateMachine);
      }
    };
    add(describeMachine(machine, ref), machine);
  }

  /** Promise logic is found by its machine's module, as in a worker. */
  async load(): Promise<void> {
    for (const { ref } of this.#machines.values()) await loadMachine(ref);
  }

  async take(step: Step): Promise<Observation> {
    switch (step.kind) {
      case 'start':
        this.#post(this.#root, { kind: 'start', input: this.#given.input ?? null });
        await this.#settle();
        break;
      case 'send':
        this.#post(this.#states.find(this.#root, step.to), { kind: 'event', event: step.event });
        await this.#settle();
        break;
      case 'wait':
        await this.clock.advance(step.ms, () => this.#settle());
    }
    const actors: Record<string, View> = {};
    this.#states.look(this.#root, ROOT, actors);
    return this.#ledger.take(actors);
  }

  #post(to: ActorAddress, input: TurnInput): void {
    this.#queue.push(throughJson({ to, input }));
  }

  #settle(): Promise<void> {
    return untilQuiet(() => {
      const next = this.#queue.shift();
      if (next !== undefined) this.#turn(next);
      return next !== undefined;
    });
  }

  #turn({ to, input }: Delivery): void {
    const known = this.#machines.get(to.type);
    if (known === undefined) throw new Error(`no machine type '${to.type}'`);
    const state = this.#states.get(to);
    const request: TurnRequest = {
      machine: known.ref,
      registry: this.#registry,
      address: to,
      state,
      inputs: [input],
      now: this.clock.now,
      incarnation: state?.incarnation ?? 'life-1',
      maxEffectBytes: 1_000_000,
    };
    const result = runTurns(known.machine, request);
    this.turns.push(throughJson({ request, result }));
    this.#states.put(to, result.state);
    const [verdict] = result.verdicts;
    if (verdict?.kind === 'rejected') this.#deadLetter(to, input, verdict.error);
    for (const { effect } of result.effects) this.#carryOut(effect, to);
  }

  /** A start that cannot be made reports to the parent; other messages wait for a person. */
  #deadLetter(to: ActorAddress, input: TurnInput, error: ErrorJson): void {
    this.rejected.push([this.#paths.get(formatAddress(to)) ?? '?', error]);
    if (input.kind !== 'start' || input.parent === undefined) return;
    const { address, reply } = input.parent;
    this.#post(address, {
      kind: 'reply',
      execution: reply.correlationId,
      outcome: { status: 'error', error },
    });
  }

  #carryOut(effect: Effect, from: ActorAddress): void {
    const path = this.#paths.get(formatAddress(from)) ?? '?';
    switch (effect.kind) {
      case 'task':
        return void this.#work(effect, from);
      case 'startChild':
        return this.#startChild(effect, from);
      case 'stopChild':
        return this.#post(effect.address, { kind: 'stop' });
      case 'send':
        return this.#post(effect.to, { kind: 'event', event: effect.event });
      case 'timer': {
        const { token, dueAt } = effect;
        this.clock.setTimeout(() => this.#post(from, { kind: 'timer', token }), dueAt - this.clock.now);
        return;
      }
      case 'cancelTimer':
        // Cancelling at the broker is best effort: here it never succeeds, and the token in the state must do (I8).
        return;
      case 'snapshot':
        return this.#post(
          { type: effect.to.entity, id: effect.to.sessionId },
          { kind: 'childSnapshot', execution: effect.to.correlationId, snapshot: effect.snapshot },
        );
      case 'reply':
        return this.#post(
          { type: effect.to.entity, id: effect.to.sessionId },
          { kind: 'reply', execution: effect.to.correlationId, outcome: effect.outcome },
        );
      case 'emit':
        this.#ledger.emitted.push([path, plain(effect.event)]);
        return;
      case 'log':
        // What XState only warns of on the console.
        if (effect.label === 'event dropped') return;
        this.#ledger.logged.push([effect.label, plain(effect.value)]);
        return;
      case 'action':
        this.#ledger.acted.push([path, effect.name, plain(effect.params)]);
        return;
      case 'scatter':
        throw new Error('the corpus holds no scatter: XState has none');
    }
  }

  #startChild({ execution, address, input, ...more }: Of<'startChild'>, from: ActorAddress): void {
    const { kind: _, ...link } = more;
    this.#paths.set(
      formatAddress(address),
      `${this.#paths.get(formatAddress(from))}/${this.#states.childIdOf(from, execution)}`,
    );
    const reply = { entity: from.type, sessionId: from.id, correlationId: execution };
    this.#post(address, { kind: 'start', input, parent: { address: from, reply, ...link } });
  }

  async #work({ execution, input, logic }: Of<'task'>, from: ActorAddress): Promise<void> {
    const ref = this.#machines.get(logic?.type ?? '')?.ref;
    if (logic === undefined || ref === undefined)
      throw new Error('the corpus holds no agents: XState has none');
    const outcome = await runPromise({
      kind: 'promise',
      machine: ref,
      src: logic.src,
      input: throughJson(input),
    });
    this.#post(from, { kind: 'reply', execution, outcome });
  }
}

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
