import { describe, expect, it } from 'vitest';
import { publishOutbox } from '../../../../../src/actors/host/outbox/outbox.ts';
import type { OutboxContext } from '../../../../../src/actors/host/outbox/send.ts';
import type { OutboxEntry, ScatterEntry } from '../../../../../src/actors/host/state/session-state.ts';
import type { Cancellations } from '../../../../../src/actors/protocol/cancellations.ts';
import { jsonBytes, openClaims } from '../../../../../src/actors/protocol/claims.ts';
import { inLife } from '../../../../../src/actors/protocol/ids.ts';
import { childLineage, lifeMark, marksIn } from '../../../../../src/actors/protocol/lineage.ts';
import { QuorateError } from '../../../../../src/contract/errors.ts';
import type { Payloads } from '../../../../../src/contract/payload.ts';
import { MAX_BODY_BYTES, MAX_CLAIM_BYTES } from '../../../../../src/contract/sizes.ts';
import { PROPERTY, type TaskBody, type WireMessage } from '../../../../../src/contract/wire.ts';
import { deriveSpanContext } from '../../../../../src/observability/telemetry.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryCancellations, memoryPayloads, memoryResults } from '../../../../kit/memory-storage.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function setUp(more: Partial<OutboxContext> = {}) {
  const sent: WireMessage[][] = [];
  const context: OutboxContext = {
    actor: { type: 'review', id: '1' },
    incarnation: 'i',
    span: deriveSpanContext('actor'),
    bridge: {
      publish: async (messages) => {
        sent.push([...messages]);
        return messages.map((_, at) => ({ sequenceNumber: 100 + at }));
      },
      cancelScheduled: async () => [],
    },
    session: { peekScheduled: async () => [] },
    life: 'test/review/1/life/i',
    family: 'test/review/1/life/i',
    payloads: {
      ...memoryPayloads(),
      get: async () => Array.from({ length: 700 }, (_, at) => `file${at}`),
    },
    results: memoryResults(),
    cancellations: memoryCancellations(),
    clock: { now: () => 1_000 },
    logger: silent,
    mayBegin: () => true,
    unsent: [],
    memo: {},
    beginActions: async () => [],
    ...more,
  };
  return { sent, context };
}

const scatter = (more: Partial<OutboxEntry & { kind: 'scatter' }> = {}): OutboxEntry => ({
  kind: 'scatter',
  execution: '1.0',
  agents: ['a', 'b'],
  items: { $payload: 'test/review/1/life/i/list', bytes: 1, count: 700 },
  total: 1_400,
  cursor: 0,
  deadlineAt: 61_000,
  policy: 'all',
  ...more,
});

describe('publishOutbox', () => {
  it('answers for a scatter whose items cannot be read, in the life that asked', async () => {
    const gone = new QuorateError('PAYLOAD_NOT_FOUND', 'gone');
    const payloads = { ...memoryPayloads(), get: () => Promise.reject(gone) };
    const { sent, context } = setUp({ payloads });
    await publishOutbox([scatter()], context);
    expect(sent.flat()).toMatchObject([
      { subject: 'reply', body: { execution: inLife('1.0', 'i'), outcome: { status: 'error' } } },
    ]);
  });

  describe('sends branches of any size, or fails the fan-out at once', () => {
    const large = 'x'.repeat(MAX_BODY_BYTES - 2_000);
    const open = async (sent: readonly WireMessage[][], payloads: Payloads): Promise<unknown[]> =>
      Promise.all(
        sent.flat().map(async ({ body, properties = {} }) => {
          expect(jsonBytes(body)).toBeLessThanOrEqual(MAX_BODY_BYTES);
          const opened = await openClaims(inbound('task', body, { properties }), payloads);
          return (opened.body as TaskBody).input;
        }),
      );

    it.each([
      ['an inline item that fits the outbox, but not its task', [large], undefined],
      ['an inline item beside what all share', ['y'.repeat(100_000)], 'x'.repeat(90_000)],
    ])('%s', async (_, items, shared) => {
      const payloads = memoryPayloads();
      const { sent, context } = setUp({ payloads });
      const entry = { items, agents: ['a'], total: 1, ...(shared === undefined ? {} : { shared }) };
      await publishOutbox([scatter(entry)], context);
      expect(await open(sent, payloads)).toEqual([{ item: items[0], ...(shared && { shared }) }]);
    });

    it('a stored item beside what all share', async () => {
      const payloads = memoryPayloads();
      const { sent, context } = setUp({ payloads });
      const items = await payloads.put('test/review/1/life/i', 'items', ['y'.repeat(150_000)]);
      const shared = 'x'.repeat(150_000);
      await publishOutbox([scatter({ items, shared, agents: ['a'], total: 1 })], context);
      expect(await open(sent, payloads)).toEqual([{ item: 'y'.repeat(150_000), shared }]);
    });

    it('one that no store takes', async () => {
      const items = { $payload: 'test/review/1/life/i/list', bytes: MAX_CLAIM_BYTES, count: 1 };
      const payloads = { ...memoryPayloads(), get: async () => ['x'.repeat(MAX_CLAIM_BYTES)] };
      const { sent, context } = setUp({ payloads });
      await publishOutbox([scatter({ items, agents: ['a'], total: 1 })], context);
      expect(sent.flat()).toMatchObject([
        { subject: 'reply', body: { outcome: { status: 'error', error: { code: 'EFFECT_TOO_LARGE' } } } },
      ]);
    });
  });

  it('publishes each item of a broadcast once, wherever its branches are cut', async () => {
    const names = ['x', 'y', 'z'];
    const items = Array.from({ length: 3_400 }, (_, n) => n);
    const entry = scatter({ topic: 'reviews', agents: names, items, total: 10_200 }) as ScatterEntry;
    const { sent, context } = setUp({ unsent: [entry] });
    for (let from = 0; from < entry.total; from += 700)
      await publishOutbox(
        [{ kind: 'slice', execution: '1.0', from, to: Math.min(entry.total, from + 700) }],
        context,
      );
    const messages = sent.flat();
    expect(messages.map(({ body }) => (body as { item: number }).item)).toEqual(items);
    expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(items.length);
    expect(messages[7]).toMatchObject({
      entity: 'topic.reviews',
      timeToLiveMs: 60_000,
      body: { kind: 'broadcast', names, input: { item: 7 }, execution: inLife('1.0', 'i') },
    });
  });

  it('expands a scatter to one task a branch, in slices, the same way each time', async () => {
    const first = setUp();
    const second = setUp();
    await publishOutbox([scatter()], first.context);
    await publishOutbox([scatter()], second.context);
    const tasks = first.sent.flat();
    expect(first.sent.map((slice) => slice.length)).toEqual([500, 500, 400]);
    expect(tasks.map((task) => task.messageId)).toEqual(second.sent.flat().map((task) => task.messageId));
    expect(new Set(tasks.map((task) => task.messageId)).size).toBe(1_400);
    expect(new Set(tasks.map((task) => (task.body as unknown as TaskBody).key)).size).toBe(1_400);
    expect(tasks[3]).toMatchObject({
      entity: 'agent.b',
      timeToLiveMs: 60_000,
      body: { agent: 'b', branch: 3, input: { item: 'file1' } },
    });
  });

  it('goes on from the cursor', async () => {
    const { sent, context } = setUp();
    await publishOutbox([scatter({ cursor: 1_398 })], context);
    expect(sent.flat().map((task) => (task.body as unknown as TaskBody).branch)).toEqual([1_398, 1_399]);
  });

  it('does not send a task past its deadline: a TTL of 0 would mean none (I10)', async () => {
    const { sent, context } = setUp({ clock: { now: () => 61_000 } });
    await publishOutbox([scatter({ total: 4 })], context);
    expect(sent.flat()).toEqual([]);
  });

  describe('what nobody waits for any more', () => {
    const close: OutboxEntry = { kind: 'close', marks: ['m1', 'm2'], until: 90_000 };
    const event: OutboxEntry = {
      kind: 'message',
      message: { entity: 'actor.x', sessionId: '1', subject: 'event', messageId: 'e', body: {} },
    };

    it('is marked before anything else leaves, wherever the entry stands', async () => {
      const seen: unknown[] = [];
      const { sent, context } = setUp();
      const cancel: Cancellations['cancel'] = async (...given) => {
        // Slow: nothing overtakes it.
        await new Promise((resolve) => setTimeout(resolve, 5));
        seen.push([...given, sent.length]);
      };
      await publishOutbox([event, scatter(), close], {
        ...context,
        cancellations: { ...context.cancellations, cancel },
      });
      expect(seen).toEqual([[['m1', 'm2'], 90_000, lifeMark('review/1', 'i'), 0]]);
      expect(sent.length).toBeGreaterThan(1);
    });

    it('lets nothing leave while its marks cannot be stored', async () => {
      const { sent, context } = setUp();
      const cancel = () => Promise.reject(new Error('no answer'));
      const cancellations = { ...context.cancellations, cancel };
      await expect(publishOutbox([close, event], { ...context, cancellations })).rejects.toThrow('no answer');
      expect(sent).toEqual([]);
    });

    it.each([
      [undefined, 1],
      ['ignore', 3],
    ] as const)(
      'sends no more of a scatter once an ancestor is gone (cancel: %s)',
      async (cancel, slices) => {
        const { sent, context } = setUp();
        const lineage = childLineage({ actor: 'review/parent', incarnation: 'p' }, '1.0');
        let asked = 0;
        const isCancelled: Cancellations['isCancelled'] = async (marks) => {
          expect(marks).toEqual(marksIn(lineage));
          asked += 1;
          return asked > 1;
        };
        await publishOutbox([scatter(cancel === undefined ? {} : { cancel })], {
          ...context,
          lineage,
          cancellations: { ...context.cancellations, isCancelled },
        });
        expect(sent).toHaveLength(slices);
        expect(sent.flat()[0]?.properties).toMatchObject({ [PROPERTY.lineage]: lineage });
      },
    );

    it('of a newer build is left out with a word', async () => {
      const warned: string[] = [];
      const logger = { ...silent, warn: (line: string) => void warned.push(line) };
      const { sent, context } = setUp({ logger });
      await publishOutbox([{ kind: 'novelty' } as unknown as OutboxEntry, event], context);
      expect(sent.flat()).toHaveLength(1);
      expect(warned).toEqual(["left out: an entry 'novelty' of a newer build"]);
    });
  });

  it('gives the numbers of scheduled timers by token', async () => {
    const { context } = setUp();
    const message = (id: string): WireMessage => ({
      entity: 'actor.review',
      messageId: id,
      subject: 'timer',
      body: null,
    });
    const { scheduled } = await publishOutbox(
      [
        { kind: 'message', message: message('x') },
        { kind: 'message', message: message('y'), timer: 't1' },
      ],
      context,
    );
    expect(scheduled).toEqual({ t1: 101 });
  });

  it('rejects when a send is not accepted, so that nothing is settled (I5)', async () => {
    const { context } = setUp({
      bridge: { publish: () => Promise.reject(new Error('no')), cancelScheduled: async () => [] },
    });
    const message: WireMessage = {
      entity: 'q',
      messageId: 'x',
      subject: 'event',
      body: null,
      properties: { [PROPERTY.format]: 1 },
    };
    await expect(publishOutbox([{ kind: 'message', message }], context)).rejects.toThrow('no');
  });

  it('lets the others leave when a target is refused, and keeps what goes there in order', async () => {
    const sent: string[] = [];
    const { context } = setUp({
      bridge: {
        publish: async (messages) => {
          for (const { entity, messageId } of messages) {
            if (entity === 'gone') throw new QuorateError('TOPOLOGY_MISMATCH', 'gone');
            if (messageId === 'large') throw new QuorateError('EFFECT_TOO_LARGE', 'large');
            sent.push(messageId);
          }
          return messages.map(() => ({}));
        },
        cancelScheduled: async () => [],
      },
    });
    const to = (entity: string, messageId: string, sessionId = 's'): OutboxEntry => ({
      kind: 'message',
      message: { entity, messageId, sessionId, subject: 'event', body: null },
    });
    const entries = [
      to('gone', '1'),
      to('here', 'large'),
      to('here', 'behind it'),
      to('here', 'to another', 't'),
      to('gone', '2'),
      scatter({ agents: ['b'] }),
    ];
    const { left, refusal } = await publishOutbox(entries, context);
    expect(left).toEqual([entries[0], entries[1], entries[2], entries[4]]);
    expect(refusal).toMatchObject({ code: 'EFFECT_TOO_LARGE', forGood: true });
    expect(sent.filter((id) => id === 'to another' || id === 'behind it')).toEqual(['to another']);
    expect(sent.length).toBeGreaterThan(700);
  });
});
