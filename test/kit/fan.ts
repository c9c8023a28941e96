// An actor that fans out, with its queue, broker and clock in the hand of a test: for what leaves of it, and when.
import { type AnyStateMachine, assign, setup } from 'xstate';
import { SLICE } from '../../src/actors/host/unsent/unsent.ts';
import type { Json } from '../../src/contract/json.ts';
import type { TaskBody, WireMessage } from '../../src/contract/wire.ts';
import { all } from '../../src/machines/policies.ts';
import { scatter } from '../../src/machines/scatter.ts';
import { type FakeHostOptions, fakeHost } from './fake-host.ts';
import { FakeQueue, type Fate, type HoldOptions, type Step } from './fake-queue.ts';
import { inbound } from './inbound.ts';
import { start } from './notes.ts';

export const SLICES = 5;
export const BRANCHES = SLICES * SLICE;
export const EXECUTION = '1.0';

interface Plan {
  readonly agents?: Json;
  readonly items?: Json;
  readonly policy?: Json;
  readonly cancel?: 'ignore';
  readonly shared?: Json;
}

export const machine: AnyStateMachine = setup({ actors: { fan: scatter() } }).createMachine({
  context: ({ input }: { input?: Plan }) => ({ plan: input ?? {} }),
  initial: 'fanning',
  states: {
    fanning: {
      invoke: {
        id: 'fan',
        src: 'fan',
        input: ({ context }: { context: { plan: Plan } }) => ({
          agents: ['a'],
          items: numbers(BRANCHES),
          policy: all(),
          collect: 'counts' as const,
          ...context.plan,
        }),
        onDone: 'over',
        onError: 'over',
      },
      on: { leave: 'over' },
    },
    asking: {
      invoke: { id: 'one', src: 'a', input: null, onDone: 'over', onError: 'over' },
      on: { leave: 'over' },
    },
    over: { on: { again: 'fanning', ask: 'asking' } },
  },
  on: { 'quorate.budget.low': { actions: assign({ low: ({ event }) => event as never }) } },
} as never) as never;

const REGISTRY = {
  agents: { a: { deadlineMs: 60_000 }, b: { deadlineMs: 60_000 } },
  machines: { m: true },
} as const;

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}

export const isTask = ({ subject }: WireMessage): boolean => subject === 'task';
const sendsTasks = (step: Step): boolean => step.kind === 'publish' && step.messages.some(isTask);
export const answer = (branch: number) =>
  inbound('reply', { kind: 'reply', execution: EXECUTION, branch, outcome: { status: 'done', output: {} } });

export class Scene {
  readonly queue = new FakeQueue();
  readonly host;
  now = 1_000_000;

  constructor(plan: Plan = {}, options: FakeHostOptions = {}, properties: Record<string, string> = {}) {
    this.queue.loops = true;
    this.host = fakeHost(machine, { clock: { now: () => this.now }, registry: REGISTRY, ...options });
    this.queue.put(start({ properties }, { input: plan as Json }));
  }

  /** `onSlice` is called as a slice leaves, with the number of those before it. */
  async hold(onSlice: (at: number) => Fate | void = () => {}, more: HoldOptions = {}): Promise<void> {
    let at = 0;
    await this.queue.hold(this.host, {
      ...more,
      fate: (step) => (sendsTasks(step) ? (onSlice(at++) ?? 'done') : 'done'),
    });
  }

  branches(): number[] {
    return this.queue.sent.filter(isTask).map(({ body }) => (body as unknown as TaskBody).branch ?? -1);
  }
}
