// A machine that waits for everything that comes from inside, an agent, a child, a gather and a timer, and at the first of it
// does what its input says. Its tests look at what becomes of it then (I7).
import { assign, emit, sendTo, setup } from 'xstate';
import type { Json } from '../../src/contract/json.ts';
import type { Timer } from '../../src/contract/turn.ts';
import type { InboundMessage } from '../../src/contract/wire.ts';
import { agent } from '../../src/machines/agent.ts';
import { scatter } from '../../src/machines/scatter.ts';
import type { FakeQueue } from './fake-queue.ts';
import { inbound } from './inbound.ts';
import { stateOf } from './notes.ts';

export type Fault = 'none' | 'throws' | 'loops' | 'map' | 'huge event' | 'huge state' | 'nobody';

const HUGE = 300_000;
const MORE_THAN_IS_KEPT = 33 * 1024 * 1024;

export const faultyMachine = setup({
  types: {
    context: {} as { fault: Fault; taken: string[]; more: unknown },
    input: {} as { fault: Fault },
  },
  actors: { a: agent<string, null>(), all: scatter() },
  guards: {
    loops: ({ context }) => context.fault === 'loops',
    tellsHuge: ({ context }) => context.fault === 'huge event',
    tellsNobody: ({ context }) => context.fault === 'nobody',
  },
}).createMachine({
  id: 'faulty',
  context: ({ input }) => ({ fault: input?.fault ?? 'none', taken: [], more: null }),
  initial: 'waiting',
  states: {
    waiting: {
      invoke: [
        { id: 'task', src: 'a', input: null },
        {
          id: 'gather',
          src: 'all',
          input: { agents: ['a'], items: [1, 2], policy: { kind: 'all' }, collect: 'counts' },
        },
        { id: 'child', src: 'peer', onSnapshot: { target: 'taking' } },
      ] as never,
      after: { 1_000: 'taking' },
      on: { '*': { target: 'taking' } },
    },
    taking: {
      entry: [
        assign({
          taken: ({ context, event }) => {
            if (context.fault === 'throws') throw new Error('thrown inside');
            return [...context.taken, event.type];
          },
          more: ({ context: { fault } }) =>
            fault === 'map' ? new Map() : fault === 'huge state' ? 'x'.repeat(MORE_THAN_IS_KEPT) : null,
        }),
      ],
      always: [
        { guard: 'loops', target: 'taking', reenter: true },
        {
          guard: 'tellsHuge',
          actions: emit({ type: 'huge', pad: 'x'.repeat(HUGE) } as never),
          target: 'taken',
        },
        {
          guard: 'tellsNobody',
          actions: sendTo({ type: 'nobody', id: '1' } as never, { type: 'hello' } as never),
          target: 'taken',
        },
        { target: 'taken' },
      ],
    },
    taken: {},
  },
});

const failed = { status: 'error', error: { code: 'E', message: 'no' } };

/** One of each kind, for the actor that waits in this queue, its deadlines found overdue. */
export const INTERNAL = {
  'an answer': (queue) => replyTo(queue, 'task'),
  'a failed task': (queue) => replyTo(queue, 'task', failed),
  "a child's end": (queue) => replyTo(queue, 'child'),
  "a child's error": (queue) => replyTo(queue, 'child', failed),
  "a child's snapshot": (queue) =>
    inbound('childSnapshot', {
      kind: 'childSnapshot',
      execution: executionOf(queue, 'child'),
      snapshot: { status: 'active', value: 'x', context: {}, tags: [] },
    }),
  'a piece of an answer': (queue) =>
    inbound('partial', { kind: 'partial', execution: executionOf(queue, 'task'), seq: 0, value: 'p' }),
  'a timer': (queue) => timerOf(queue, ({ kind }) => kind === 'raise'),
  "a gather's failure": (queue) => replyTo(queue, 'gather', failed),
  "a task's deadline": (queue) => deadlineOf(queue, 'task'),
  "a gather's deadline": (queue) => deadlineOf(queue, 'gather'),
} satisfies Record<string, (queue: FakeQueue) => InboundMessage>;

function executionOf(queue: FakeQueue, childId: string): string {
  const found = Object.entries(stateOf(queue).core?.executions ?? {}).find(
    ([, execution]) => execution.childId === childId,
  );
  if (found === undefined) throw new Error(`nothing is open for '${childId}'`);
  return found[0];
}

function replyTo(
  queue: FakeQueue,
  childId: string,
  outcome: Json = { status: 'done', output: 1 },
): InboundMessage {
  return inbound('reply', { kind: 'reply', execution: executionOf(queue, childId), outcome });
}

function deadlineOf(queue: FakeQueue, childId: string): InboundMessage {
  const id = executionOf(queue, childId);
  return timerOf(queue, (what) => what.kind === 'deadline' && what.execution === id);
}

export function timerOf(queue: FakeQueue, matches: (what: Timer['what']) => boolean): InboundMessage {
  const found = Object.entries(stateOf(queue).core?.timers ?? {}).find(([, { what }]) => matches(what));
  if (found === undefined) throw new Error('there is no such timer');
  return inbound('timer', { kind: 'timer', token: found[0] });
}
