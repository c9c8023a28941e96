// Types of the factories: what goes in and comes out, alone, in a configuration and as children. The assertions are the
// compiler's (`npm run check:types`); what runs here is one actor, so that the machines are real.
import { expect, expectTypeOf, it } from 'vitest';
import type { EventFromLogic, InputFrom, OutputFrom } from 'xstate';
import { assign, createActor, setup } from 'xstate';
import type { MachineConfig } from '../../../src/contract/config.ts';
import type { PayloadRef } from '../../../src/contract/payload.ts';
import type { BranchReference } from '../../../src/contract/scatter.ts';
import { agent } from '../../../src/machines/agent.ts';
import { all } from '../../../src/machines/policies.ts';
import { type ProposalOutput, proposal } from '../../../src/machines/proposal.ts';
import { saga } from '../../../src/machines/saga.ts';
import type { Gathered } from '../../../src/machines/scatter.ts';
import { scatter } from '../../../src/machines/scatter.ts';
import { scatterGather } from '../../../src/machines/scatter-gather.ts';

interface File {
  readonly path: string;
}
interface Review {
  readonly findings: number;
}
interface Plan {
  readonly items: readonly string[];
}
interface Receipt {
  readonly total: number;
}

const reviewAll = scatterGather<File, Review, { root: string }>({ agents: ['reviewer'], policy: all() });
const planning = proposal<{ goal: string }, Plan>({
  proposers: ['byRisk', 'byEffort'],
  critic: 'critic',
  rounds: 2,
  acceptAt: 1,
  offerTtlMs: 1_000,
  deadlineMs: 1_000,
});
const order = saga<{ orderId: string }, { reserve: string; charge: Receipt }>({
  steps: [
    { name: 'reserve', agent: 'reserver', compensate: 'releaser' },
    { name: 'charge', agent: 'charger' },
  ],
});

it('types inputs and outputs by the parameters of the factory', () => {
  expectTypeOf<InputFrom<typeof reviewAll>['items']>().toEqualTypeOf<readonly File[] | PayloadRef>();
  expectTypeOf<
    Extract<OutputFrom<typeof reviewAll>, { status: 'gathered' }>['values'][number]['value']
  >().toEqualTypeOf<Review>();
  expectTypeOf<Extract<OutputFrom<typeof reviewAll>, { status: 'gathered' }>['references']>().toEqualTypeOf<
    readonly BranchReference[] | undefined
  >();
  expectTypeOf<InputFrom<typeof planning>>().toEqualTypeOf<{ readonly request: { goal: string } }>();
  expectTypeOf<OutputFrom<typeof planning>>().toEqualTypeOf<ProposalOutput<Plan>>();
  expectTypeOf<InputFrom<typeof order>>().toEqualTypeOf<{ orderId: string }>();
  expectTypeOf<EventFromLogic<typeof order>['type']>().toEqualTypeOf<'cancel'>();
  type Output = OutputFrom<typeof order>;
  expectTypeOf<Extract<Output, { status: 'done' }>['results']['charge']>().toEqualTypeOf<Receipt>();
  type Undone = Extract<Output, { status: 'compensated' }>['results']['charge'];
  expectTypeOf<Undone>().toEqualTypeOf<Receipt | undefined>();
});

it('refuses what does not fit', () => {
  const rest = { critic: 'c', rounds: 1, acceptAt: 1, offerTtlMs: 1, deadlineMs: 1 };
  // @ts-expect-error -- competing takes two
  expect(() => proposal({ proposers: ['one'], ...rest })).toThrow();
  // @ts-expect-error -- not a step of Results
  saga<string, { reserve: string }>({ steps: [{ name: 'charge', agent: 'x' }] });
  // @ts-expect-error -- items are files
  createActor(reviewAll, { input: { items: [{ name: 'x' }] } });
  const reading = createActor(reviewAll, { input: { items: [] } });
  // @ts-expect-error -- takes no events
  reading.send({ type: 'cancel' });
  const ordering = createActor(order, { input: { orderId: '1' } });
  // @ts-expect-error -- no such event
  ordering.send({ type: 'abort' });
  const snapshot = createActor(planning, { input: { request: { goal: 'g' } } }).getSnapshot();
  // @ts-expect-error -- no such state
  expect(snapshot.matches('thinking')).toBe(false);
});

it('is typed as a child and in a configuration', () => {
  const parent = setup({
    types: { context: {} as { plan: Plan | null; read: Gathered<Review> | null } },
    actors: { planning, reviewAll, oracle: agent<Plan, { goal: string }>(), fan: scatter<File, Review>() },
  }).createMachine({
    id: 'parent',
    context: { plan: null, read: null },
    initial: 'planning',
    states: {
      planning: {
        invoke: {
          src: 'planning',
          input: { request: { goal: 'g' } },
          onDone: { target: 'asking', actions: assign({ plan: ({ event }) => event.output.offer }) },
          onError: 'asking',
        },
      },
      asking: {
        invoke: {
          src: 'oracle',
          input: { goal: 'g' },
          onDone: { target: 'reading', actions: assign({ plan: ({ event }) => event.output }) },
        },
      },
      reading: {
        invoke: {
          src: 'fan',
          input: { items: [{ path: 'a' }], agents: ['reviewer'], policy: all(), collect: 'values' },
          onDone: { actions: assign({ read: ({ event }) => event.output }) },
        },
      },
    },
  });
  setup({ actors: { planning } }).createMachine({
    // @ts-expect-error -- the request has a goal
    invoke: { src: 'planning', input: { request: { aim: 'g' } } },
  });
  setup({ actors: { oracle: agent<Plan, { goal: string }>() } }).createMachine({
    // @ts-expect-error -- the agent is asked with a goal
    invoke: { src: 'oracle', input: 'g' },
  });
  const config: MachineConfig<typeof parent> = { module: '', export: '', version: '1', machine: parent };
  const child: MachineConfig<typeof planning> = { module: '', export: '', version: '1', machine: planning };
  expect([config.machine?.id, child.machine?.id]).toEqual(['parent', 'proposal']);
});
