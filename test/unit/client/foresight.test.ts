import { expect, it } from 'vitest';
import { createForesight } from '../../../src/client/foresight.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { Foresight } from '../../../src/contract/foresight.ts';
import type { AnswerBody, InboundMessage, WireMessage } from '../../../src/contract/wire.ts';
import { PROPERTY } from '../../../src/contract/wire.ts';
import { inbound } from '../../kit/inbound.ts';

const asker = { entity: 'replies', sessionId: 'client', correlationId: 'c' };
const apply: Foresight = { would: 'apply', status: 'active', value: 'a', turn: 1, effects: [] };
const run: Foresight = { would: 'run', agent: 'a', awaited: true };

const event = (id: string): InboundMessage =>
  inbound('event', null, {
    properties: { [PROPERTY.deadFrom]: 'actor.m', [PROPERTY.deadSession]: id },
  });
const task = (id: string): InboundMessage =>
  inbound('task', null, {
    properties: { [PROPERTY.deadFrom]: 'agent.a', [PROPERTY.deadSession]: '' },
    replyTo: 'actor.m',
    replyToSessionId: id,
  });

/** Each actor answers as told, with one for each letter that it is asked for. */
function foreseeing(answer: (asked: WireMessage) => AnswerBody | Error) {
  const asked: WireMessage[] = [];
  const ask = async (make: (to: typeof asker) => WireMessage): Promise<AnswerBody> => {
    const message = make(asker);
    asked.push(message);
    const body = answer(message);
    if (body instanceof Error) throw body;
    return body;
  };
  return { asked, ...createForesight({ ask }, {}) };
}

const numbersIn = ({ properties = {} }: WireMessage): string[] =>
  String(properties[PROPERTY.foresee]).split(',');
const each =
  (foresight: Foresight) =>
  (message: WireMessage): AnswerBody => ({
    kind: 'answer',
    answer: 'foresight',
    letters: numbersIn(message).map(() => foresight),
  });

it('asks each actor once for all its letters, and gives what they come to in their order', async () => {
  const letters = [event('1'), event('2'), task('1'), event('1')];
  const { foresee, asked } = foreseeing(each(apply));
  expect(await foresee(letters)).toEqual([apply, apply, apply, apply]);
  expect(asked.map((message) => [message.entity, message.sessionId, numbersIn(message).length])).toEqual([
    ['actor.m', '1', 3],
    ['actor.m', '2', 1],
  ]);
});

it('of an actor whose letters come in parts only the first part is known, but for tasks beside tasks', async () => {
  const turned = foreseeing(each(apply));
  const first = event('1');
  await turned.foresee([first]);
  const dependent = { would: 'unknown', after: first.sequenceNumber };
  expect(await turned.foresee([event('1'), task('1'), event('2')])).toMatchObject([
    dependent,
    dependent,
    apply,
  ]);
  const tasks = foreseeing(each(run));
  await tasks.foresee([task('1')]);
  expect(await tasks.foresee([task('1'), event('1')])).toMatchObject([run, { would: 'unknown' }]);
});

it('asks no second actor of a type that nobody hosts', async () => {
  const { foresee, asked } = foreseeing(() => new QuorateError('RESULT_TIMEOUT', 'late'));
  const unknown = { would: 'unknown', why: expect.stringContaining('no host of m answered') };
  expect(await foresee([event('1')])).toMatchObject([unknown]);
  expect(await foresee([event('2'), event('3')])).toMatchObject([unknown, unknown]);
  expect(asked).toHaveLength(1);
});

it('says what an older host, a missing queue and a letter of nobody come to', async () => {
  const older = foreseeing(() => ({ kind: 'answer', answer: 'snapshot', snapshot: {} as never }));
  expect(await older.foresee([event('1')])).toMatchObject([
    { would: 'unknown', why: expect.stringContaining('version') },
  ]);
  const missing = foreseeing(() => new QuorateError('TOPOLOGY_MISMATCH', 'no queue actor.m'));
  expect(await missing.foresee([event('1'), task('1'), inbound('event', null)])).toMatchObject([
    { would: 'fail', error: { code: 'TOPOLOGY_MISMATCH' } },
    { would: 'unknown', why: expect.stringContaining('queue') },
    { would: 'unknown', why: expect.stringContaining('no actor') },
  ]);
  const broken = foreseeing(() => new QuorateError('CONNECTION_FAILED', 'gone'));
  await expect(broken.foresee([event('1')])).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
});
