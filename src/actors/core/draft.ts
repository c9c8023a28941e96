// The state of an actor while a batch works on it. Turns are atomic: `begin`, then `apply` or `takeBack`.
import type { AnyActorRef } from 'xstate';
import type { ActorAddress } from '../../contract/address.ts';
import type { AsksState } from '../../contract/asks.ts';
import type { Bounds } from '../../contract/bounds.ts';
import type { Effect, ReplyAddress } from '../../contract/effect.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type {
  ActorStatus,
  CoreState,
  CutGather,
  Execution,
  GatherReport,
  ParentLink,
  StepReport,
  Timer,
  TurnInput,
  TurnRequest,
  TurnResult,
} from '../../contract/turn.ts';
import { checkOf, GatherFold, type ModuleExports } from './gather.ts';
import { Journal, Table } from './journal.ts';
import { type AddressOf, PARENT_ID, SELF_ID } from './references.ts';

/** The few facts that change with an actor's start and end. */
export interface Life {
  readonly status: ActorStatus;
  readonly incarnation: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly parent?: ParentLink;
  readonly output?: Json;
  readonly error?: ErrorJson;
  readonly cut?: readonly CutGather[];
  readonly bounds?: Bounds;
}

export class Draft {
  readonly request: TurnRequest;
  /** Of the module of the machine: functions that policies name. */
  readonly exports: ModuleExports;
  readonly effects: TurnResult['effects'][number][] = [];
  readonly gathers: GatherReport[] = [];
  readonly steps: StepReport[] = [];
  readonly executions: Table<Execution>;
  readonly timers: Table<Timer>;
  /** Index of the input that is being applied. */
  applying = 0;
  life: Life | undefined;
  waiters: readonly ReplyAddress[];
  /** Questions to people; undefined until the first one. */
  asks: AsksState | undefined;
  /** Number of the last applied turn. */
  turn: number;
  /** Whether anything differs from what the batch was given. */
  changed = false;
  readonly #journal = new Journal();
  readonly #folds = new Map<string, GatherFold>();
  readonly #childIds: Map<string, string>;
  #asked: Effect[] = [];
  #executionsOpened = 0;
  #timersSet = 0;
  #asksOpened = 0;
  #marks = {
    life: undefined as Life | undefined,
    waiters: [] as readonly ReplyAddress[],
    asks: undefined as AsksState | undefined,
    gathers: 0,
    steps: 0,
  };

  constructor(request: TurnRequest, exports: ModuleExports) {
    const { state } = request;
    this.request = request;
    this.exports = exports;
    this.executions = new Table(state?.executions ?? {}, this.#journal);
    this.timers = new Table(state?.timers ?? {}, this.#journal);
    this.#childIds = new Map(
      Object.entries(state?.executions ?? {}).map(([id, { childId }]) => [childId, id]),
    );
    this.life = state === null ? undefined : lifeOf(state);
    this.waiters = state?.waiters ?? [];
    this.asks = state?.asks;
    this.turn = state?.turn ?? 0;
  }

  /** What is at hand behind the input that is being applied. */
  get ahead(): readonly TurnInput[] {
    return this.request.inputs.slice(this.applying + 1);
  }

  get now(): number {
    return this.request.now;
  }

  begin(): void {
    this.#journal.forget();
    this.#asked = [];
    this.#executionsOpened = 0;
    this.#timersSet = 0;
    this.#asksOpened = 0;
    this.#marks = {
      life: this.life,
      waiters: this.waiters,
      asks: this.asks,
      gathers: this.gathers.length,
      steps: this.steps.length,
    };
  }

  /** The turn counts: it gets its number, and its effects their places. Gives these effects. */
  apply(): readonly Effect[] {
    this.turn += 1;
    this.changed = true;
    const asked = this.#asked;
    asked.forEach((effect, index) => this.effects.push({ turn: this.turn, index, effect }));
    return asked;
  }

  takeBack(): void {
    this.#journal.takeBack();
    this.life = this.#marks.life;
    this.waiters = this.#marks.waiters;
    this.asks = this.#marks.asks;
    this.gathers.length = this.#marks.gathers;
    this.steps.length = this.#marks.steps;
  }

  ask(effect: Effect): void {
    this.#asked.push(effect);
  }

  /** Removes an effect that is undone within its own turn: it never leaves. */
  unask(matches: (effect: Effect) => boolean): void {
    this.#asked = this.#asked.filter((effect) => !matches(effect));
  }

  /** Tells the children that this turn starts which actors have a system id, siblings that start with them included. */
  nameActors(system: Readonly<Record<string, ActorAddress>>): void {
    if (Object.keys(system).length === 0) return;
    this.#asked = this.#asked.map((effect) =>
      effect.kind === 'startChild' ? { ...effect, system } : effect,
    );
  }

  /** Changes what this turn has asked for so far. */
  change(how: (asked: readonly Effect[]) => readonly Effect[]): void {
    this.#asked = [...how(this.#asked)];
  }

  nextExecutionId(): string {
    return `${this.turn + 1}.${this.#executionsOpened++}`;
  }

  nextToken(): string {
    return `t${this.turn + 1}.${this.#timersSet++}`;
  }

  /** Unlike the others it is known outside: it says of which life it is. */
  nextAskId(): string {
    const life = this.life?.incarnation.slice(0, 8) ?? '';
    return `q${this.turn + 1}.${this.#asksOpened++}-${life}`;
  }

  /** Whether this turn has opened the execution or the question, or set the timer, of that id. */
  isFresh(id: string): boolean {
    const prefix = `${this.turn + 1}.`;
    return [prefix, `t${prefix}`, `q${prefix}`].some((own) => id.startsWith(own));
  }

  openExecution(id: string, execution: Execution): void {
    this.executions.set(id, execution);
    this.#link(execution.childId, id);
  }

  forgetExecution(id: string, childId: string): void {
    this.executions.delete(id);
    if (this.#childIds.get(childId) === id) this.#link(childId, undefined);
  }

  executionOf(childId: string): string | undefined {
    return this.#childIds.get(childId);
  }

  #link(childId: string, id: string | undefined): void {
    const before = this.#childIds.get(childId);
    const put = (value: string | undefined): void => {
      if (value === undefined) this.#childIds.delete(childId);
      else this.#childIds.set(childId, value);
    };
    put(id);
    this.#journal.record(() => put(before));
  }

  /** The gather of a scatter's execution, decoded once a batch. */
  fold(id: string, execution: Extract<Execution, { kind: 'scatter' }>): GatherFold {
    const known = this.#folds.get(id);
    if (known !== undefined) return known;
    const fold = new GatherFold(execution.gather, checkOf(execution.gather.policy, this.exports));
    this.#folds.set(id, fold);
    return fold;
  }

  /** Counts as a change of the state, and is taken back with the turn. */
  folded(undo: () => void): void {
    this.changed = true;
    this.#journal.record(undo);
  }

  executionRecord(): Readonly<Record<string, Execution>> {
    const rows = this.executions.toRecord(this.request.state?.executions ?? {});
    const folded = [...this.#folds].filter(([id]) => Object.hasOwn(rows, id));
    if (folded.length === 0) return rows;
    const record: Record<string, Execution> = { ...rows };
    for (const [id, fold] of folded) {
      const execution = record[id];
      if (execution?.kind === 'scatter') record[id] = { ...execution, gather: fold.toState() };
    }
    return record;
  }
}

function lifeOf(state: CoreState): Life {
  const { status, incarnation, startedAt, endedAt, parent, output, error, cut, bounds } = state;
  return {
    status,
    incarnation,
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(parent === undefined ? {} : { parent }),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(cut === undefined ? {} : { cut }),
    ...(bounds === undefined ? {} : { bounds }),
  };
}

// Addresses that an actor knows: its own, its parent's, its children's, and those of actors with a system id.

/** The addresses of this actor, its parent and its children. */
export function addressesOf(draft: Draft): AddressOf {
  return (id) => {
    if (id === SELF_ID) return draft.request.address;
    if (id === PARENT_ID) return draft.life?.parent?.address;
    return childAddress(draft, id);
  };
}

function childAddress(draft: Draft, childId: string): ActorAddress | undefined {
  const execution = draft.executions.get(draft.executionOf(childId) ?? '');
  return execution?.kind === 'child' ? execution.address : undefined;
}

/** System ids that a child gets at its start: those that this actor got, and those of its own children. */
export function namesOf(
  draft: Draft,
  children: Readonly<Record<string, AnyActorRef>>,
): Readonly<Record<string, ActorAddress>> {
  const own = Object.entries(children).flatMap(([name, { id }]) => {
    const address = childAddress(draft, id);
    return address === undefined ? [] : [[name, address] as const];
  });
  const all = [...Object.entries(draft.life?.parent?.system ?? {}), ...own];
  return Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))));
}
