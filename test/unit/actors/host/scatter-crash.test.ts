// A scatter is one effect, expanded in slices: whichever slice the process dies at, every task leaves exactly once by its message
// id, and what is sent again is what was sent before (I2, I3, I12).
import { describe, expect, it } from 'vitest';
import type { TaskBody } from '../../../../src/contract/wire.ts';
import { all } from '../../../../src/machines/policies.ts';
import { scatterGather } from '../../../../src/machines/scatter-gather.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue, type Fate } from '../../../kit/fake-queue.ts';
import { start, stateOf } from '../../../kit/notes.ts';
import { createRandom } from '../../../kit/random.ts';

const machine = scatterGather({ agents: ['a'], policy: all(), collect: 'counts' });
const FATES = ['dies-before', 'dies-after', 'lost', 'lost-after'] as const;

interface Crash {
  /** The step of its hold: one publish is one slice. */
  readonly at: number;
  readonly fate: Exclude<Fate, Error | 'done'>;
}

/** One crash a hold, then none; gives the number of steps that the last hold took. */
async function live(
  branches: number,
  crashes: readonly Crash[],
): Promise<{ queue: FakeQueue; steps: number }> {
  const queue = new FakeQueue();
  queue.put(start({}, { input: { items: Array.from({ length: branches }, (_, item) => item) } }));
  let steps = 0;
  for (let holds = 0; queue.active.size > 0; holds++) {
    if (holds > crashes.length) throw new Error('still not done');
    const crash = crashes[holds];
    steps = 0;
    await queue.hold(fakeHost(machine), {
      fate: () => (steps++ === crash?.at ? crash.fate : 'done'),
    });
  }
  return { queue, steps };
}

function check(queue: FakeQueue, branches: number): void {
  const tasks = queue.sent.filter(({ subject }) => subject === 'task');
  const bodies = tasks.map(({ body }) => body as unknown as TaskBody);
  expect(bodies.map(({ branch }) => branch).toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: branches }, (_, branch) => branch),
  );
  expect(bodies.every(({ branch, input }) => (input as { item: unknown }).item === branch)).toBe(true);
  const byId = new Map(queue.sent.map((message) => [message.messageId, message]));
  for (const repeat of queue.repeats) expect(repeat).toEqual(byId.get(repeat.messageId));
  // One effect however many tasks, and the start is settled last.
  expect(stateOf(queue).outbox.filter(({ kind }) => kind === 'scatter')).toHaveLength(1);
  expect(queue.settled.size).toBe(1);
}

describe('the slices of a scatter', () => {
  it('survive a crash or a lost lock at each of them', async () => {
    const branches = 1_700;
    const { queue, steps } = await live(branches, []);
    check(queue, branches);
    const slices = queue.steps.filter(
      (step) => step.kind === 'publish' && step.messages.some(({ subject }) => subject === 'task'),
    );
    expect(slices.length).toBeGreaterThan(3);
    for (let at = 0; at < steps; at++) {
      for (const fate of FATES) {
        const crashed = await live(branches, [{ at, fate }]);
        try {
          check(crashed.queue, branches);
        } catch (error) {
          throw new Error(`${fate} at step ${at}: ${crashed.queue.log().join(', ')}`, { cause: error });
        }
      }
    }
  });

  it('of a large fan-out are not all sent again: its progress is committed at a bounded cost', async () => {
    const branches = 12_000;
    const { queue, steps } = await live(branches, []);
    // One for the start, and one for each 5,000 tasks that are behind it.
    expect(queue.steps.filter(({ kind }) => kind === 'commit')).toHaveLength(3);
    // Before the settlement and the last slices.
    const crashed = await live(branches, [{ at: steps - 3, fate: 'dies-after' }]);
    check(crashed.queue, branches);
    expect(crashed.queue.repeats.length).toBeGreaterThan(0);
    expect(crashed.queue.repeats.length).toBeLessThanOrEqual(5_000);
  });

  it('end with the hold whose lock is lost at their progress, as any other commit does: nothing is settled, or said to fail', async () => {
    const branches = 12_000;
    const queue = new FakeQueue();
    queue.put(start({}, { input: { items: Array.from({ length: branches }, (_, item) => item) } }));
    const host = fakeHost(machine);
    let commits = 0;
    await queue.hold(host, { fate: ({ kind }) => (kind === 'commit' && commits++ === 1 ? 'lost' : 'done') });
    expect(commits).toBe(2);
    expect(host.problems).toEqual([]);
    expect(queue.settled.size).toBe(0);
    await queue.hold(host);
    check(queue, branches);
  });

  it('survive several crashes, whatever the number of tasks', async () => {
    const random = createRandom();
    for (let run = 0; run < 40; run++) {
      const branches = 1 + random.below(2_000);
      const crashes = Array.from({ length: random.below(5) }, () => ({
        at: random.below(8),
        fate: random.pick(FATES),
      }));
      const { queue } = await live(branches, crashes);
      try {
        check(queue, branches);
      } catch (error) {
        throw new Error(`QUORATE_TEST_SEED=${random.seed}, run ${run}`, { cause: error });
      }
    }
  });
});
