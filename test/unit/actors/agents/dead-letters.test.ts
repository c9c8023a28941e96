import { describe, expect, it } from 'vitest';
import { createDeadLetterHandler } from '../../../../src/actors/agents/dead-letters.ts';
import { createOfferHandler } from '../../../../src/actors/agents/offers.ts';
import type { Json } from '../../../../src/contract/json.ts';
import type { InboundMessage, WireMessage } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';

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
    counters: { deadLetters: 0 },
  });
  expect(await handle(message)).toEqual({ kind: 'complete' });
  return published;
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

describe('an offer', () => {
  it('taken in time goes on to the asker with the instant at which it lapses', async () => {
    const published: WireMessage[] = [];
    const handle = createOfferHandler({
      publish: async (messages) => {
        published.push(...messages);
        return [];
      },
    });
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
