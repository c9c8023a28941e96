// The law of sizes: whatever the size of a value and the way that it takes, it is done or refused with a code, once; an agent
// is called as often as its retry policy says. Over the real client and a real socket, around every limit that there is.
import { describe, expect, it } from 'vitest';
import type { AgentContext } from '../../../src/contract/config.ts';
import { isErrorCode } from '../../../src/contract/errors.ts';
import { MAX_BODY_BYTES } from '../../../src/contract/sizes.ts';
import { createRandom } from '../../kit/random.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

interface Order {
  readonly id?: string;
  readonly text?: string;
  readonly failures?: number;
  readonly answer?: number;
  readonly piece?: number;
  readonly item?: string;
  readonly shared?: Order;
}

const WAYS = {
  task: 1,
  retry: 3,
  hopeless: 3,
  answer: 1,
  piece: 1,
  child: 0,
  tell: 0,
  emit: 0,
  later: 0,
  gather: 2,
  offer: 1,
  snapshot: 0,
  shared: 1,
  action: 0,
  output: 0,
} as const;
type Way = keyof typeof WAYS;
/** What cannot go through the payload store, and from which size on it may be refused; an action comes with its event. */
const BOUNDED: Partial<Record<Way, number>> = {
  emit: MAX_BODY_BYTES - 1_200,
  shared: MAX_BODY_BYTES - 1_200,
  action: MAX_BODY_BYTES / 2 - 1_200,
};

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('a value of any size', () => {
  it('arrives whole or is refused with a code, and is paid for as often as it was asked for', async () => {
    const random = createRandom();
    console.log(`sizes: QUORATE_TEST_SEED=${random.seed}`);
    const calls = new Map<string, number>();
    const run = async (order: Order, { partial }: AgentContext): Promise<string> => {
      const { id = '', failures = 0, answer, piece } = order.shared ?? order;
      const count = (calls.get(id) ?? 0) + 1;
      calls.set(id, count);
      if (count <= failures) throw Object.assign(new Error('not yet'), { code: 'NOT_YET' });
      if (piece !== undefined) await partial('p'.repeat(piece));
      return answer === undefined ? (order.text ?? '') : 'a'.repeat(answer);
    };
    await using test = await startRuntime({
      machines: { sized: app('sized.machine.ts', 'sized'), sink: app('sized.machine.ts', 'sink') },
      agents: { work: { run, concurrency: 32, retry: { attempts: 3, backoffMs: 1 } } },
      inspectorPort: false,
      workers: 2,
    });
    const { client } = test.runtime;
    const limits = [MAX_BODY_BYTES, 200_000, 224 * 1024, 256 * 1024];
    /** Close to a limit, where what stands beside the value decides; and anywhere else. */
    const sizes = (): number[] => [
      random.pick(limits) + random.below(2_400) - 1_200,
      150_000 + random.below(150_000),
    ];

    const check = async (way: Way, size: number, id: string): Promise<void> => {
      const what = `${way} of ${size}`;
      const text = 'x'.repeat(size);
      if (way === 'tell') await client.start('sink', { id, input: {} });
      const outcome = await client.run('sized', { id, input: { id, way, text } }).then(
        (output) => ({ output }),
        (error: { code: string }) => ({ code: error.code }),
      );
      expect(calls.get(id) ?? 0, what).toBe('code' in outcome ? 0 : WAYS[way]);
      if ('code' in outcome) {
        // Found before the commit, and nothing of it was done.
        expect([what, outcome.code]).toEqual([what, 'EFFECT_TOO_LARGE']);
        expect(size, what).toBeGreaterThan(BOUNDED[way] ?? Number.POSITIVE_INFINITY);
        return;
      }
      // Asked for its state, it says all of it.
      const { context } = (await client.query('sized', id)) as unknown as { context: { text: string } };
      expect(context.text.length, what).toBe(size);
      const { output } = outcome;
      if (way === 'hopeless') expect(output, what).toEqual({ size: 0, code: 'NOT_YET' });
      else if (way === 'tell') expect((await client.result('sink', id)).length, what).toBe(size);
      else if (way === 'output') expect(output === text, what).toBe(true);
      else if (!['emit', 'action'].includes(way)) expect(output, what).toEqual({ size });
      if (BOUNDED[way] !== undefined) expect(size, what).toBeLessThanOrEqual(MAX_BODY_BYTES);
    };

    const ways = Object.keys(WAYS) as Way[];
    const expected = await Promise.all(
      ways.flatMap((way) => sizes().map((size, at) => check(way, size, `${way}-${at}`).then(() => way))),
    );
    // Events of a client: each is applied, and ends its actor; who watches is told so once, with what fits in a message.
    await Promise.all(
      sizes().map(async (size, at) => {
        const id = `event-${at}`;
        await client.start('sink', { id, input: {} });
        const watched = allOf(client.watch('sink', id));
        await client.query('sink', id);
        await client.send('sink', id, { type: 'take', text: 'x'.repeat(size) });
        expect((await client.result('sink', id)).length).toBe(size);
        const [first, ...rest] = await watched;
        expect(first).toMatchObject({ status: 'active', value: 'open' });
        expect(rest, `a watch of ${size}`).toHaveLength(1);
        expect(rest[0]).toMatchObject({ status: 'done', event: { type: 'take' } });
        const { output } = rest[0] ?? {};
        if (output === undefined) expect(size).toBeGreaterThan(MAX_BODY_BYTES - 1_200);
        else expect(output).toHaveLength(size);
      }),
    );
    expect(expected).toHaveLength(ways.length * 2);
    // Refused is what its sender was told, and what failed on every attempt: nothing else was set aside.
    const { items } = await client.deadLetters.list({ limit: 500 });
    for (const { code } of items) expect(code === 'NOT_YET' || isErrorCode(code), code).toBe(true);
    expect(items.filter(({ kind }) => kind === 'reply' || kind === 'event' || kind === 'timer')).toEqual([]);
  }, 180_000);
});
