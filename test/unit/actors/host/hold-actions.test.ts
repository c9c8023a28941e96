// A named action never vanishes: wherever the process dies, it has been run to its end, or a copy of it lies in its queue.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { WorkerPool } from '../../../../src/contract/ports.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue, type Step } from '../../../kit/fake-queue.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { event, note, notesOf, start } from '../../../kit/notes.ts';

const FATES = ['dies-before', 'dies-after', 'lost', 'lost-after'] as const;

interface Crash {
  readonly at: number;
  readonly fate: (typeof FATES)[number];
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Each hold is a process of its own. `isSlow` = the action is still running when its process dies. */
async function live(isSlow: boolean, crash?: Crash) {
  const queue = new FakeQueue();
  queue.put(start(), event('ring'), event('ask'), note(1), event('finish'));
  let ends = 0;
  let steps = 0;
  for (let holds = 0; queue.active.size > 0; holds++) {
    if (holds > 5) throw new Error(`still not done: ${queue.log().join(', ')}`);
    steps = 0;
    const normal = fakeHost(noteMachine);
    const run: WorkerPool['run'] = async (request, options) => {
      if (request.kind === 'action') {
        options?.onBegin?.();
        if (isSlow) return new Promise(() => {});
        ends += 1;
      }
      return normal.pool.run(request, options);
    };
    const host = fakeHost(noteMachine, { pool: { ...normal.pool, run } });
    const fate = (): Crash['fate'] | 'done' => (holds === 0 && steps++ === crash?.at ? crash.fate : 'done');
    const hold = queue.hold(host, { fate, takes: [1, 1, 1, 1, 1] });
    await vi.advanceTimersByTimeAsync(5_000);
    await hold;
  }
  const copies = queue.sent.filter(({ subject }) => subject === 'action');
  return { queue, steps, ends, copies };
}

it.each([
  ['fast', false],
  ['slow', true],
])('a %s action survives a crash or a lost lock at each step', async (_, isSlow) => {
  const { steps } = await live(isSlow);
  expect(steps).toBeGreaterThan(8);
  for (let at = 0; at < steps; at++) {
    for (const fate of FATES) {
      const { ends, copies, queue } = await live(isSlow, { at, fate });
      const where = `${fate} at step ${at}: ${queue.log().join(', ')}`;
      expect(isSlow ? copies.length : ends, where).toBeGreaterThan(0);
      // What is sent after it has not waited for it either.
      expect(
        queue.sent.some(({ subject }) => subject === 'task'),
        where,
      ).toBe(true);
    }
  }
});

it('leaves its session before it is over, and its copy before what a later step sends', async () => {
  const { queue, copies } = await live(true);
  expect(notesOf(queue)).toEqual([]);
  expect(copies).toMatchObject([{ entity: 'action.m', body: { name: 'ring', attempt: 2 } }]);
  const sent = queue.sent.map(({ subject }) => subject);
  expect(sent.indexOf('action')).toBeLessThan(sent.indexOf('task'));
});

it('is begun before what a later step of the same batch sends', async () => {
  const order: string[] = [];
  const queue = new FakeQueue();
  queue.put(start(), event('ring'), event('ask'));
  const normal = fakeHost(noteMachine);
  const run: WorkerPool['run'] = async (request, options) => {
    if (request.kind === 'action') order.push('action');
    return normal.pool.run(request, options);
  };
  const before = (step: Step): void => {
    if (step.kind === 'publish') order.push(...step.messages.map(({ subject }) => subject));
  };
  const hold = queue.hold(fakeHost(noteMachine, { pool: { ...normal.pool, run } }), { before });
  await vi.advanceTimersByTimeAsync(1_000);
  await hold;
  expect(order).toEqual(['action', 'task', 'timer']);
});
