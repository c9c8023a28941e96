import { describe, expect, it } from 'vitest';
import { createDeadLetterHandler } from '../../../../src/actors/agents/dead-letters.ts';
import { createOfferHandler } from '../../../../src/actors/agents/offers.ts';
import { lifeMark } from '../../../../src/actors/protocol/lineage.ts';
import { readUsage } from '../../../../src/actors/protocol/usage.ts';
import { type ErrorCode, QuorateError } from '../../../../src/contract/errors.ts';
import type { Json } from '../../../../src/contract/json.ts';
import type { InboundMessage, WireMessage } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';
import { memoryCancellations, memoryPayloads } from '../../../kit/memory-storage.ts';

const clock = { now: () => 0 };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function bury(message: InboundMessage, entity = 'agent.a'): Promise<WireMessage[]> {
  const published: WireMessage[] = [];
  const publish = async (messages: readonly WireMessage[]) => {
    published.push(...messages);
    return messages.map(() => ({}));
  };
  const handle = createDeadLetterHandler({
    entity,
    bridge: { publish },
    logger: silent,
    clock,
    cancellations: memoryCancellations(),
    onDeadLetter: () => {},
  });
  expect(await handle(message)).toEqual({ kind: 'complete' });
  // The copy leaves first: what its asker says of it finds it.
  expect(published[0]?.entity).toBe('remediation');
  return published.toReversed();
}

const task: Json = {
  kind: 'task',
  agent: 'a',
  input: 1,
  key: 'k',
  execution: '2.0',
  branch: 4,
  attempt: 1,
  deadlineAt: 5,
};
const asked = { replyTo: 'actor.m', replyToSessionId: 's' };

describe('a dead letter (I11)', () => {
  it('of a task tells the asker its agent’s own error and leaves a copy for a person', async () => {
    const message = inbound('task', task, {
      ...asked,
      deadLetterReason: 'TASK_FAILED',
      deadLetterDescription: '{"code":"E1","message":"broken","data":{"attempts":3}}',
    });
    const published = await bury(message);
    expect(published).toMatchObject([
      {
        entity: 'actor.m',
        sessionId: 's',
        body: {
          kind: 'reply',
          execution: '2.0',
          branch: 4,
          outcome: { status: 'error', error: { code: 'E1', message: 'broken' } },
        },
      },
      {
        entity: 'remediation',
        properties: { 'quorate-dead-from': 'agent.a', 'quorate-dead-code': 'E1' },
        body: task,
      },
    ]);
    expect(await bury(message)).toEqual(published);
  });

  it('is named to the actor that is told, which says whether it handled it', async () => {
    const died = { deadLetterReason: 'TASK_FAILED', deadLetterDescription: 'no' };
    const [reply, copy] = await bury(inbound('task', task, { ...asked, ...died }));
    expect(reply?.properties?.['quorate-letter']).toBe(copy?.messageId);
    expect(copy?.properties?.['quorate-asked']).toBe(true);
    const [alone] = await bury(inbound('event', { kind: 'event', event: { type: 'x' } }, died), 'actor.c');
    expect(alone?.properties).not.toHaveProperty('quorate-asked');
  });

  it('of a task that lapsed gives back what a budget has reserved for it, unless somebody had it in hand', async () => {
    const lapsed = (more: Partial<InboundMessage>) =>
      bury(inbound('task', task, { ...asked, deadLetterReason: 'TTLExpiredException', ...more }));
    const properties = { 'quorate-budget': '5/100' };
    const subjects = (published: readonly WireMessage[]) =>
      published.toReversed().map(({ subject }) => subject);
    const [reply, bill] = await lapsed({ properties });
    expect([bill?.subject, reply?.subject]).toEqual(['usage', 'reply']);
    expect(readUsage(inbound('usage', bill?.body as Json), '')).toMatchObject({
      branch: 4,
      of: 'nothing',
      rows: [],
    });
    expect(subjects(await lapsed({ properties, deliveryCount: 1 }))).toEqual(['task', 'reply']);
    expect(subjects(await lapsed({}))).toEqual(['task', 'reply']);
  });

  it('of an offer or task that lapsed says which', async () => {
    const offer: Json = { kind: 'offer', execution: '2.0', branch: 0, value: 1, expiresAt: 5 };
    const codeOf = async (subject: string, body: Json) => {
      const [reply] = await bury(
        inbound(subject, body, { ...asked, deadLetterReason: 'TTLExpiredException' }),
      );
      return (reply as { body: { outcome: { error: { code: string } } } } | undefined)?.body.outcome.error
        .code;
    };
    expect(await codeOf('offer', offer)).toBe('OFFER_EXPIRED');
    expect(await codeOf('task', task)).toBe('DEADLINE_EXCEEDED');
  });

  it('of a child’s start tells the parent; of what nobody waits for leaves the copy alone', async () => {
    const reply = { entity: 'actor.p', sessionId: 'p1', correlationId: '1.0' };
    const start: Json = {
      kind: 'start',
      input: null,
      parent: { address: { type: 'p', id: 'p1' }, reply, syncSnapshot: false },
    };
    const died = { deadLetterReason: 'MACHINE_THREW', deadLetterDescription: 'no such thing' };
    expect(await bury(inbound('start', start, died), 'actor.c')).toMatchObject([
      {
        entity: 'actor.p',
        sessionId: 'p1',
        body: { execution: '1.0', outcome: { error: { code: 'MACHINE_THREW' } } },
      },
      { entity: 'remediation' },
    ]);
    expect(
      await bury(inbound('event', { kind: 'event', event: { type: 'x' } }, died), 'actor.c'),
    ).toMatchObject([{ entity: 'remediation' }]);
    expect(await bury(inbound('???', 'not ours', died), 'actor.c')).toMatchObject([
      { entity: 'remediation', body: 'not ours' },
    ]);
  });
});

describe('a dead letter that somebody outside waits for', () => {
  const client = { entity: 'replies', sessionId: 'c1', correlationId: 'q' };
  const poisoned = { deadLetterReason: 'TURN_POISONED', deadLetterDescription: 'WORKER_DIED each time' };

  it.each(['start', 'await', 'query'])('of a %s answers its asker', async (kind) => {
    const body: Json = { kind, asker: client, ...(kind === 'start' ? { input: null } : {}) };
    expect(await bury(inbound(kind, body, poisoned), 'actor.m')).toMatchObject([
      {
        entity: 'replies',
        sessionId: 'c1',
        correlationId: 'q',
        body: { answer: 'error', error: { code: 'TURN_POISONED' } },
      },
      { entity: 'remediation' },
    ]);
  });

  it('of an answer is told to nobody: what its machine cannot take ends it, or waits', async () => {
    const outcome = { status: 'done', output: 1 };
    const letter = inbound(
      'reply',
      { kind: 'reply', execution: '2.0', branch: 3, outcome },
      { deadLetterReason: 'ACTOR_QUARANTINED', sessionId: 's' },
    );
    expect(await bury(letter, 'actor.m')).toMatchObject([{ entity: 'remediation' }]);
  });
});

describe('a dead letter that can not be passed on', () => {
  const handlerThat = (refuses: (message: WireMessage) => string | undefined) => {
    const published: WireMessage[] = [];
    const publish = async (messages: readonly WireMessage[]) => {
      for (const message of messages) {
        const code = refuses(message);
        if (code !== undefined) throw new QuorateError(code as ErrorCode, 'refused');
        published.push(message);
      }
      return [];
    };
    return {
      published,
      handle: createDeadLetterHandler({
        entity: 'agent.a',
        bridge: { publish },
        logger: silent,
        clock,
        cancellations: memoryCancellations(),
        onDeadLetter: () => {},
      }),
    };
  };
  const letter = () =>
    inbound('task', task, { ...asked, replyTo: 'actor.gone', deadLetterReason: 'TASK_FAILED' });

  it('to an asker without a queue is still copied', async () => {
    const { handle, published } = handlerThat(({ entity }) =>
      entity === 'actor.gone' ? 'TOPOLOGY_MISMATCH' : undefined,
    );
    expect(await handle(letter())).toEqual({ kind: 'complete' });
    expect(published).toMatchObject([{ entity: 'remediation' }]);
  });

  it('because its copy is too large stays where it is', async () => {
    const { handle } = handlerThat(({ entity }) =>
      entity === 'remediation' ? 'EFFECT_TOO_LARGE' : undefined,
    );
    expect(await handle(letter())).toEqual({ kind: 'defer' });
  });

  it('does not keep those beside it from being passed on', async () => {
    const { handle, published } = handlerThat(({ entity, body }) =>
      entity === 'remediation' && (body as { key?: string }).key === 'large' ? 'EFFECT_TOO_LARGE' : undefined,
    );
    const large = inbound('task', { ...(task as object), key: 'large' }, { deadLetterReason: 'TASK_FAILED' });
    const ends = await Promise.all([letter(), large, letter()].map(handle));
    expect(ends).toEqual([{ kind: 'complete' }, { kind: 'defer' }, { kind: 'complete' }]);
    const copies = published.filter(({ entity }) => entity === 'remediation');
    expect(new Set(copies.map(({ messageId }) => messageId)).size).toBe(2);
  });

  it('because the broker is away is tried again', async () => {
    await expect(handlerThat(() => 'CONNECTION_FAILED').handle(letter())).rejects.toThrow('refused');
  });
});

describe('an offer', () => {
  it('taken in time goes on to the asker with the instant at which it lapses', async () => {
    const published: WireMessage[] = [];
    const publish = async (messages: readonly WireMessage[]) => {
      published.push(...messages);
      return [];
    };
    const cancellations = memoryCancellations();
    const handle = createOfferHandler({ bridge: { publish }, payloads: memoryPayloads(), cancellations });
    const offer: Json = { kind: 'offer', execution: '2.0', branch: 1, value: { price: 3 }, expiresAt: 99 };
    expect(await handle(inbound('offer', offer, asked))).toEqual({ kind: 'complete' });
    expect(published).toMatchObject([
      {
        entity: 'actor.m',
        sessionId: 's',
        body: { kind: 'reply', branch: 1, expiresAt: 99, outcome: { status: 'done', output: { price: 3 } } },
      },
    ]);
    expect((await handle(inbound('offer', offer))).kind).toBe('deadLetter');
  });
});

describe('the code of a dead letter', () => {
  it.each([
    ['TTLExpiredException', 'task', 'DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'],
    ['MaxDeliveryCountExceeded', 'task', 'TASK_FAILED', 'MaxDeliveryCountExceeded'],
    ['MaxDeliveryCountExceeded', 'event', 'TURN_POISONED', 'MaxDeliveryCountExceeded'],
    ['MACHINE_THREW', 'event', 'MACHINE_THREW', 'MACHINE_THREW'],
  ])('for %s of a %s is one of docs/errors.md: %s', async (deadLetterReason, subject, code, reason) => {
    const body = subject === 'task' ? task : { kind: 'event', event: { type: 'x' } };
    const message = inbound(subject, body, { deadLetterReason, deadLetterDescription: 'as it says' });
    const published = await bury(message);
    expect(published.at(-1)?.properties).toMatchObject({
      'quorate-dead-code': code,
      'quorate-dead-reason': reason,
    });
  });
});

describe('of what nobody waits for any more', () => {
  const LIFE = 'abcdefgh';
  const cancellations = memoryCancellations();
  const published: WireMessage[] = [];
  const publish = async (messages: readonly WireMessage[]) => {
    published.push(...messages);
    return [];
  };
  const letters: string[] = [];
  const onDeadLetter = (entity: string, code: string) => void letters.push(`${entity} ${code}`);

  it.each([
    ['a dead task', 'task', { ...(task as object), execution: `2.0~${LIFE}` }],
    [
      'a lapsed offer',
      'offer',
      { kind: 'offer', execution: `2.0~${LIFE}`, branch: 1, value: 1, expiresAt: 9 },
    ],
  ])('%s vanishes without a word', async (_name, subject, body) => {
    await cancellations.cancel([lifeMark('m/s', LIFE)], 20_000);
    const bridge = { publish };
    const host = { entity: 'agent.a', bridge, cancellations, logger: silent, clock, onDeadLetter };
    const asker = { replyTo: 'actor.m', replyToSessionId: 's', deadLetterReason: 'TTLExpiredException' };
    expect(await createDeadLetterHandler(host)(inbound(subject, body, asker))).toEqual({ kind: 'complete' });
    if (subject === 'offer')
      expect(
        await createOfferHandler({ bridge: { publish }, payloads: memoryPayloads(), cancellations })(
          inbound(subject, body, asker),
        ),
      ).toEqual({ kind: 'complete' });
    expect([published, letters]).toEqual([[], []]);
  });
});
