// A scatter is one effect, sent in slices, a batch each: whichever step the process dies at, every task leaves exactly once by its
// message id, and what is sent again is what was sent before (I2, I3, I12).
import { describe, expect, it } from 'vitest';
import { SLICE } from '../../../../src/actors/host/unsent/unsent.ts';
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

function fanOut(branches: number): FakeQueue {
  const queue = new FakeQueue();
  queue.loops = true;
  queue.put(start({}, { input: { items: Array.from({ length: branches }, (_, item) => item) } }));
  return queue;
}

/** One crash a hold, then none; gives the number of steps that the last hold took. */
async function live(
  branches: number,
  crashes: readonly Crash[],
): Promise<{ queue: FakeQueue; steps: number }> {
  const queue = fanOut(branches);
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
  // One effect however many tasks: a slice of it at most is in an outbox.
  expect(stateOf(queue).outbox.filter(({ kind }) => kind === 'scatter' || kind === 'slice')).toHaveLength(1);
  // The start, and a message to itself for each slice behind the first.
  expect(queue.settled.size).toBe(Math.max(1, Math.ceil(branches / SLICE)));
}

describe('the slices of a scatter', () => {
  it('survive a crash or a lost lock at each of them', async () => {
    const branches = 1_600;
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

  it('of a large fan-out are not all sent again: a crash repeats one of them', async () => {
    const branches = 12_000;
    const { queue, steps } = await live(branches, []);
    expect(queue.steps.filter(({ kind }) => kind === 'commit')).toHaveLength(branches / SLICE);
    const crashed = await live(branches, [{ at: steps - 2, fate: 'dies-after' }]);
    check(crashed.queue, branches);
    expect(crashed.queue.repeats.length).toBeGreaterThan(0);
    expect(crashed.queue.repeats.length).toBeLessThanOrEqual(SLICE);
  });

  it('of a small one are what they were: one commit, one publish of its tasks, nothing kept', async () => {
    const { queue } = await live(SLICE, []);
    check(queue, SLICE);
    expect(queue.log()).toEqual(['commit', 'publish', 'publish', expect.stringContaining('complete')]);
    expect(queue.commits()).toEqual([expect.not.objectContaining({ control: expect.anything() })]);
    expect(queue.commits()).toMatchObject([{ format: 3 }]);
  });

  it('end with the hold whose lock is lost at their commit: nothing is settled by it, or said to fail', async () => {
    const branches = 12_000;
    const queue = fanOut(branches);
    const host = fakeHost(machine);
    let commits = 0;
    await queue.hold(host, { fate: ({ kind }) => (kind === 'commit' && commits++ === 1 ? 'lost' : 'done') });
    expect(commits).toBe(2);
    expect(host.problems).toEqual([]);
    expect(queue.settled.size).toBe(1);
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
