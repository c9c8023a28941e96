// Answers of a gather that are too large for the state: none is lost, and no gather waits for its deadline because of them.
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import type { Json } from '../../../../../src/contract/json.ts';
import { isPayloadRef, type PayloadRef } from '../../../../../src/contract/payload.ts';
import type { GatherOutput } from '../../../../../src/contract/scatter.ts';
import { all, deadline } from '../../../../../src/machines/policies.ts';
import { scatter } from '../../../../../src/machines/scatter.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import { FakeQueue } from '../../../../kit/fake-queue.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { type MemoryStorage, memoryPayloads, memoryStorage } from '../../../../kit/memory-storage.ts';
import { asker, event, start, stateOf } from '../../../../kit/notes.ts';

interface Context {
  readonly items: number[];
  readonly late: boolean;
  readonly atLeast?: number;
  /** What it has in its context once the gather has ended well, in bytes. */
  readonly grows?: number;
  readonly ballast?: string;
  readonly got?: GatherOutput;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly data: { readonly answers: Json };
  };
}

const machine = setup({
  types: {
    context: {} as Context,
    input: {} as Pick<Context, 'items' | 'late' | 'atLeast' | 'grows'>,
    events: {} as { type: 'leave' },
  },
  actors: { fan: scatter() },
}).createMachine({
  context: ({ input }) => input,
  initial: 'asking',
  states: {
    asking: {
      invoke: {
        id: 'fan',
        src: 'fan',
        input: ({ context: { items, late, atLeast } }) => ({
          agents: ['a'],
          items,
          policy: atLeast === undefined ? (late ? deadline(1_000) : all()) : { afterMs: 1_000, atLeast },
          collect: 'values' as const,
        }),
        onDone: {
          target: 'done',
          actions: assign((given) => ({
            got: given.event.output as GatherOutput,
            ...(given.context.grows === undefined ? {} : { ballast: 'x'.repeat(given.context.grows) }),
          })),
        },
        onError: {
          target: 'failed',
          actions: assign({ error: (given) => given.event.error as Context['error'] }),
        },
      },
      on: { leave: 'done' },
    },
    done: {},
    failed: {},
  },
});

const hostOn = (storage: MemoryStorage) => fakeHost(machine, { payloads: memoryPayloads(storage) });
const answersIn = ({ files }: MemoryStorage): string[] =>
  [...files.keys()].filter((path) => path.includes('/answer'));

async function asking(
  storage: MemoryStorage,
  branches: number,
  late = false,
  atLeast?: number,
  grows?: number,
): Promise<FakeQueue> {
  const queue = new FakeQueue();
  const items = Array.from({ length: branches }, (_, item) => item);
  queue.put(start({}, { input: JSON.parse(JSON.stringify({ items, late, atLeast, grows })) }));
  await queue.hold(hostOn(storage));
  return queue;
}

/** The timer that watches over deadlines rings, and then the one of the gather. */
async function passDeadline(queue: FakeQueue, storage: MemoryStorage): Promise<void> {
  const late = { ...hostOn(storage), clock: { now: () => 2_000_000 } };
  for (let rings = 0; rings < 2; rings++) {
    const [token = ''] = Object.keys(stateOf(queue).core?.timers ?? {});
    queue.put(inbound('timer', { kind: 'timer', token }));
    await queue.hold(late);
  }
}

const valueOf = (branch: number, length: number): string => `${branch} `.padEnd(length, 'y');
const answer = (branch: number, output: Json) =>
  inbound('reply', { kind: 'reply', execution: '1.0', branch, outcome: { status: 'done', output } });

async function contextOf(
  queue: FakeQueue,
  storage: MemoryStorage,
): Promise<Context & { readonly value: string }> {
  const { core, claim } = stateOf(queue);
  const claimed =
    claim === undefined ? core : ((await memoryPayloads(storage).get(claim)) as { core: Json }).core;
  const { context, value } = (claimed as unknown as { snapshot: { context: Context; value: string } })
    .snapshot;
  return { ...context, value };
}

/** The list in an error, and each answer in it, read where it lies. */
async function paid(answers: Json, storage: MemoryStorage): Promise<{ branch: number; value: Json }[]> {
  const payloads = memoryPayloads(storage);
  const list = (isPayloadRef(answers) ? await payloads.get(answers) : answers) as {
    branch: number;
    value: Json;
  }[];
  return Promise.all(
    list.map(async ({ branch, value }) => ({
      branch,
      value: isPayloadRef(value) ? await payloads.get(value as PayloadRef) : value,
    })),
  );
}

describe('large answers of a gather', () => {
  it('are kept by reference, handed out in order, and gone with the gather', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 5);
    const sizes = [200_000, 20, 1_000_000, 16_000, 300_000];
    for (const [branch, size] of [...sizes.entries()].toReversed()) {
      queue.put(answer(branch, valueOf(branch, size)));
      await queue.hold(hostOn(storage));
      if (branch === 0) break;
      // What waits is small, however large the answers are.
      expect(stateOf(queue).claim).toBeUndefined();
    }
    const { value, got } = await contextOf(queue, storage);
    expect(value).toBe('done');
    expect(got?.values).toEqual(
      sizes.map((size, index) => ({ index, agent: 'a', value: valueOf(index, size) })),
    );
    expect([answersIn(storage), queue.active.size]).toEqual([[], 0]);
  });

  it('that come in one batch are handed out in one turn', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 8);
    queue.put(...Array.from({ length: 8 }, (_, branch) => answer(branch, valueOf(branch, 100_000))));
    await queue.hold(hostOn(storage));
    expect((await contextOf(queue, storage)).got?.values).toHaveLength(8);
    expect(answersIn(storage)).toEqual([]);
  });

  it('are handed out by reference when they do not fit together', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 36);
    for (let branch = 0; branch < 36; branch += 12) {
      queue.put(
        ...Array.from({ length: 12 }, (_, at) =>
          answer(branch + at, branch + at === 7 ? 'small' : valueOf(branch + at, 1_000_000)),
        ),
      );
      await queue.hold(hostOn(storage));
    }
    const { value, got } = await contextOf(queue, storage);
    expect([value, got?.outcome, got?.ok, queue.active.size]).toEqual(['done', 'all', 36, 0]);
    expect(got?.values).toEqual([{ index: 7, agent: 'a', value: 'small' }]);
    const large = Array.from({ length: 36 }, (_, index) => index).filter((index) => index !== 7);
    expect(got?.references?.map(({ index, agent }) => [index, agent])).toEqual(large.map((at) => [at, 'a']));
    const payloads = memoryPayloads(storage);
    const read = await Promise.all((got?.references ?? []).map(({ ref }) => payloads.get(ref)));
    expect(read).toEqual(large.map((index) => valueOf(index, 1_000_000)));
    expect([...queue.settled.values()].filter(({ kind }) => kind === 'deadLetter')).toEqual([]);
    // As long as the actor lives.
    queue.put(inbound('purge', { kind: 'purge', asker }));
    await queue.hold(hostOn(storage));
    expect(storage.files.size).toBe(0);
  });

  it.each([
    // Of 32 MB it leaves room for references, and not for values.
    ['are handed out by reference where its machine leaves no room for more', 33_500_000, 'done'],
    ['end it at once where it leaves none at all, and its error has every one of them', 33_560_000, 'failed'],
  ])('%s', async (_name, grows, end) => {
    const storage = memoryStorage();
    const queue = await asking(storage, 2, false, undefined, grows);
    queue.put(answer(0, valueOf(0, 50_000)));
    await queue.hold(hostOn(storage));
    queue.put(answer(1, valueOf(1, 50_000)));
    await queue.hold(hostOn(storage));
    const { value, got, error } = await contextOf(queue, storage);
    expect([value, error?.code, queue.active.size]).toEqual([
      end,
      end === 'done' ? undefined : 'STATE_TOO_LARGE',
      0,
    ]);
    const given = got?.references?.map(({ index, ref }) => ({ branch: index, value: { ...ref } }));
    expect(await paid(given ?? error?.data.answers ?? null, storage)).toEqual(
      [0, 1].map((branch) => ({ branch, value: valueOf(branch, 50_000) })),
    );
  });

  it('end it at once when one of them is gone', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 3);
    for (const branch of [0, 1]) {
      queue.put(answer(branch, valueOf(branch, 50_000)));
      await queue.hold(hostOn(storage));
    }
    for (const path of answersIn(storage).slice(0, 1)) storage.files.delete(path);
    queue.put(answer(2, 'small'));
    await queue.hold(hostOn(storage));
    const { value, error } = await contextOf(queue, storage);
    expect([value, error?.code, queue.active.size]).toEqual(['failed', 'PAYLOAD_NOT_FOUND', 0]);
    expect(error?.data.answers).toMatchObject([{ branch: 0 }, { branch: 1 }, { branch: 2, value: 'small' }]);
  });

  it('wait while the store does not answer', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 2);
    queue.put(answer(0, valueOf(0, 50_000)));
    await queue.hold(hostOn(storage));
    queue.put(answer(1, 'small'));
    storage.fail = (operation) => (operation === 'read' ? new Error('no answer') : undefined);
    await queue.hold(hostOn(storage));
    expect(queue.active.size).toBe(1);
    storage.fail = undefined;
    await queue.hold(hostOn(storage));
    expect((await contextOf(queue, storage)).got?.values.map(({ value }) => value)).toEqual([
      valueOf(0, 50_000),
      'small',
    ]);
  });

  it('are handed out at the deadline of a gather that is content with some', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 3, true);
    queue.put(answer(1, valueOf(1, 50_000)));
    await queue.hold(hostOn(storage));
    await passDeadline(queue, storage);
    expect((await contextOf(queue, storage)).got?.values).toEqual([
      { index: 1, agent: 'a', value: valueOf(1, 50_000) },
    ]);
  });

  it.each([
    ['in the error itself', 100, false],
    ['by reference where the list is long', 10_000, true],
    ['each by reference where it is large', 50_000, false],
  ])('of a gather that misses its deadline are %s', async (_name, size, isStored) => {
    const storage = memoryStorage();
    const queue = await asking(storage, 9, false, 6);
    for (let branch = 0; branch < 5; branch++) queue.put(answer(branch, valueOf(branch, size)));
    await queue.hold(hostOn(storage));
    await passDeadline(queue, storage);
    const { value, error } = await contextOf(queue, storage);
    expect([value, error?.code]).toEqual(['failed', 'GATHER_FAILED']);
    expect(isPayloadRef(error?.data.answers)).toBe(isStored);
    expect(JSON.stringify(error).length).toBeLessThan(34_000);
    expect(await paid(error?.data.answers ?? null, storage)).toEqual(
      Array.from({ length: 5 }, (_, branch) => ({ branch, value: valueOf(branch, size) })),
    );
  });

  it('stay with an actor that ends in error meanwhile, and go with it', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 3);
    queue.put(answer(1, valueOf(1, 50_000)), answer(2, 'small'));
    await queue.hold(hostOn(storage));
    queue.put(inbound('stop', { kind: 'stop' }));
    await queue.hold(hostOn(storage));
    expect(stateOf(queue).core?.status).toBe('stopped');
    queue.put(inbound('query', { kind: 'query', asker }));
    await queue.hold(hostOn(storage));
    const last = queue.sent.at(-1)?.body as { snapshot?: { gathers: { answers: Json }[] } } | undefined;
    expect(await paid(last?.snapshot?.gathers[0]?.answers ?? null, storage)).toEqual([
      { branch: 1, value: valueOf(1, 50_000) },
      { branch: 2, value: 'small' },
    ]);
    queue.put(inbound('purge', { kind: 'purge', asker }));
    await queue.hold(hostOn(storage));
    expect(storage.files.size).toBe(0);
  });

  it('of a branch that has answered before replace nothing, and leave nothing behind', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 2);
    queue.put(answer(0, valueOf(0, 50_000)));
    await queue.hold(hostOn(storage));
    queue.put(answer(0, valueOf(7, 60_000)));
    await queue.hold(hostOn(storage));
    expect(answersIn(storage)).toHaveLength(1);
    queue.put(answer(1, 'last'));
    await queue.hold(hostOn(storage));
    expect((await contextOf(queue, storage)).got?.values[0]?.value).toBe(valueOf(0, 50_000));
  });

  it('are gone when the machine no longer waits for them', async () => {
    const storage = memoryStorage();
    const queue = await asking(storage, 2);
    queue.put(answer(0, valueOf(0, 50_000)), event('leave'));
    await queue.hold(hostOn(storage));
    queue.put(event('other'));
    await queue.hold(hostOn(storage));
    expect(answersIn(storage)).toEqual([]);
  });

  it.each(['dies-before', 'dies-after'] as const)('survive a host that %s any of its steps', async (fate) => {
    for (let at = 0; at < 12; at++) {
      const storage = memoryStorage();
      const queue = await asking(storage, 2);
      queue.put(answer(0, valueOf(0, 50_000)), answer(1, valueOf(1, 50_000)));
      let step = 0;
      await queue.hold(hostOn(storage), { takes: [1, 1], fate: () => (step++ === at ? fate : 'done') });
      await queue.hold(hostOn(storage));
      expect((await contextOf(queue, storage)).got?.values.map(({ value }) => value)).toEqual([
        valueOf(0, 50_000),
        valueOf(1, 50_000),
      ]);
    }
  });
});
