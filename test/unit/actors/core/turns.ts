// What the tests of the core share: a request with defaults, and an actor that is driven batch by batch through JSON,
// as its state travels through a session.
import type { AnyStateMachine } from 'xstate';
import { runTurns } from '../../../../src/actors/core/run-turns.ts';
import type { Effect } from '../../../../src/contract/effect.ts';
import type { Json } from '../../../../src/contract/json.ts';
import type { CoreState, Timer, TurnInput, TurnRequest, TurnResult } from '../../../../src/contract/turn.ts';

export const NOW = 1_700_000_000_000;

export type Batch = Omit<TurnResult, 'threadId'>;

export function request(over: Partial<TurnRequest> = {}): TurnRequest {
  return {
    machine: { type: 'order', module: 'file:///unused', export: 'unused', version: '1', path: [] },
    registry: { agents: {}, machines: {} },
    address: { type: 'order', id: 'o-1' },
    state: null,
    inputs: [],
    now: NOW,
    incarnation: 'life-1',
    maxEffectBytes: 1_000_000,
    ...over,
  };
}

export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export class TestActor {
  readonly #machine: AnyStateMachine;
  readonly #over: Partial<TurnRequest>;
  readonly #exports: Readonly<Record<string, unknown>>;
  state: CoreState | null = null;
  now = NOW;

  /** `exports`: of the module of the machine. */
  constructor(
    machine: AnyStateMachine,
    over: Partial<TurnRequest> = {},
    exports: Readonly<Record<string, unknown>> = {},
  ) {
    this.#machine = machine;
    this.#over = over;
    this.#exports = exports;
  }

  take(...inputs: TurnInput[]): Batch {
    const batch = runTurns(
      this.#machine,
      request({ ...this.#over, state: this.state, inputs: throughJson(inputs), now: this.now }),
      undefined,
      this.#exports,
    );
    this.state = throughJson(batch.state);
    return batch;
  }

  start(input: Json = null, more: Partial<Extract<TurnInput, { kind: 'start' }>> = {}): Batch {
    return this.take({ kind: 'start', input, ...more });
  }

  send(type: string, payload: Record<string, Json> = {}): Batch {
    return this.take({ kind: 'event', event: { ...payload, type } });
  }

  reply(execution: string, output: Json): Batch {
    return this.take({ kind: 'reply', execution, outcome: { status: 'done', output } });
  }

  /** The timer that watches over deadlines fires, and then what it set for each that has passed. Gives the last batch. */
  passDeadline(): Batch {
    const due = (kind: Timer['what']['kind']): TurnInput[] =>
      Object.entries(this.state?.timers ?? {})
        .filter(([, { what }]) => what.kind === kind)
        .map(([token]) => ({ kind: 'timer', token }));
    this.take(...due('deadlines'));
    return this.take(...due('deadline'));
  }

  get value(): Json {
    return this.#snapshot().value;
  }

  get context(): Record<string, Json> {
    return this.#snapshot().context;
  }

  #snapshot(): { value: Json; context: Record<string, Json> } {
    if (this.state === null) throw new Error('there is no actor');
    return this.state.snapshot as never;
  }
}

/** What an actor still holds: nothing at all after its end. */
export function holdings(state: CoreState | null): Record<string, string[]> {
  if (state === null) throw new Error('there is no actor');
  return {
    executions: Object.keys(state.executions),
    timers: Object.keys(state.timers),
    children: Object.keys((state.snapshot as { children: object }).children),
    waiters: state.waiters.map(({ correlationId }) => correlationId),
  };
}

export const NOTHING = { executions: [], timers: [], children: [], waiters: [] };

export function effectsOf<K extends Effect['kind']>(batch: Batch, kind: K): Extract<Effect, { kind: K }>[] {
  return batch.effects.map(({ effect }) => effect).filter((effect) => effect.kind === kind) as Extract<
    Effect,
    { kind: K }
  >[];
}
