// The process dies between any two steps of the commit protocol, and a new holder goes on. Whatever the point: every input
// is applied once, every effect leaves, its repeats carry the same id, and nothing is left behind.
import { describe, expect, it } from 'vitest';
import type { InboundMessage } from '../../../../src/contract/wire.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { emitted, event, note, notesOf, partial, query, reply, start, stateOf } from '../../../kit/notes.ts';
import { createRandom } from '../../../kit/random.ts';

const EXECUTION = '2.0';
const script = (): InboundMessage[] => [
  start(),
  event('ask'),
  partial(EXECUTION, 1),
  query(),
  partial(EXECUTION, 2),
  partial(EXECUTION, 0),
  reply(EXECUTION, 'end'),
  event('throw'),
  note(7),
  note(8),
];
const EXPECTED = ['p0', 'p1', 'p2', 'end', 7, 8];

interface Crash {
  readonly at: number;
  readonly fate: 'dies-before' | 'dies-after' | 'lost' | 'lost-after';
}

/** Runs the script with these crashes, one a hold; gives the number of steps that the last hold took. */
async function live(
  crashes: readonly Crash[],
  takes: () => number[],
): Promise<{ queue: FakeQueue; steps: number }> {
  const queue = new FakeQueue();
  queue.put(...script());
  let steps = 0;
  for (let holds = 0; queue.active.size > 0; holds++) {
    if (holds > crashes.length + 20)
      throw new Error(`still not done: ${JSON.stringify([...queue.active.values()])}`);
    const crash = crashes[holds];
    steps = 0;
    await queue.hold(fakeHost(noteMachine), {
      takes: takes(),
      fate: () => (steps++ === crash?.at ? crash.fate : 'done'),
    });
  }
  return { queue, steps };
}

function check(queue: FakeQueue): void {
  expect(notesOf(queue)).toEqual(EXPECTED);
  expect(emitted(queue)).toEqual(['p0', 'p1', 'p2', 7, 8]);
  expect(queue.deferred.size).toBe(0);
  expect([...queue.settled.values()].filter(({ kind }) => kind === 'deadLetter')).toHaveLength(1);
  const byId = new Map(queue.sent.map((message) => [message.messageId, message]));
  // A query that is asked twice may be answered from two states.
  const repeats = queue.repeats.filter(({ subject }) => subject !== 'answer');
  for (const repeat of repeats) expect(repeat).toEqual(byId.get(repeat.messageId));
}

const sizes = { 'one by one': [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 'all at once': [], 'by threes': [3, 3, 3] };

describe.each(Object.entries(sizes))('messages that come %s', (_, takes) => {
  it('survive a crash or a lost lock at each step', async () => {
    const { queue, steps } = await live([], () => takes);
    check(queue);
    for (let at = 0; at < steps; at++) {
      for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const) {
        const crashed = await live([{ at, fate }], () => takes);
        try {
          check(crashed.queue);
        } catch (error) {
          throw new Error(`${fate} at step ${at}: ${crashed.queue.log().join(', ')}`, { cause: error });
        }
      }
    }
  });
});

describe('many crashes', () => {
  it('of any kind at any step, with any cut of the messages, change nothing either', async () => {
    const random = createRandom();
    const fates = ['dies-before', 'dies-after', 'lost', 'lost-after'] as const;
    for (let run = 0; run < 150; run++) {
      const crashes = Array.from({ length: random.below(6) }, () => ({
        at: random.below(12),
        fate: random.pick(fates),
      }));
      const { queue } = await live(crashes, () => Array.from({ length: 10 }, () => 1 + random.below(4)));
      try {
        check(queue);
      } catch (error) {
        throw new Error(`QUORATE_TEST_SEED=${random.seed}, run ${run}: ${queue.log().join(', ')}`, {
          cause: error,
        });
      }
      expect(stateOf(queue).inbox.unsettled.length).toBeLessThan(20);
    }
  });
});
