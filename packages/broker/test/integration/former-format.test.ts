// A broker on a file of an earlier format: everything in it is there for clients, as the broker left it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Long from 'long';
import { expect, onTestFinished, test } from 'vitest';
import { readStatus } from '../../src/index.ts';
import { writeFormerFile } from '../kit/former-broker-file.ts';
import { settled, testBroker, testClient, VirtualClock } from './kit.ts';

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'broker-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('messages, sessions, duplicates, timers and rules of the first format go on', async () => {
  const data = dataFolder();
  const clock = new VirtualClock();
  const { waiting, dueAt, expiresAt } = writeFormerFile(data, clock.now());
  const broker = await testBroker({ data, clock });
  const client = testClient(broker);
  const receiver = client.createReceiver('inbox');
  const dead = client.createReceiver('inbox', { subQueueType: 'deadLetter' });
  const inDead = await dead.receiveMessages(1);
  expect(inDead).toMatchObject([{ body: 'dead', deliveryCount: 10, deadLetterSource: 'inbox' }]);

  // An id of the window before.
  const sender = client.createSender('inbox');
  await sender.sendMessages({ body: 'again', messageId: 'seen' });
  expect((await broker.status())[0]).toMatchObject({ active: waiting + 1, deferred: 1, scheduled: 1 });
  const [deferred] = await receiver.receiveDeferredMessages(Long.fromNumber(3));
  expect(deferred).toMatchObject({ body: 'deferred', deliveryCount: 2 });

  clock.advance(expiresAt - clock.now() + 1);
  await settled();
  expect((await broker.status())[0]).toMatchObject({ active: waiting });
  clock.advance(dueAt - clock.now() + 1);
  await settled();
  const messages = await receiver.receiveMessages(waiting + 1);
  expect(messages.map(({ body }) => body as string)).toEqual([
    ...Array.from({ length: waiting }, (_, at) => `waiting ${at + 10}`),
    'scheduled',
  ]);
  // Numbers go on where they had been promised.
  expect(messages.at(-1)?.sequenceNumber?.toNumber()).toBe(waiting + 1001);

  const session = await client.acceptSession('actors', 'a');
  expect(await session.getSessionState()).toEqual({ turn: 7 });
  const ofSession = await session.receiveMessages(2);
  expect(ofSession.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    ['first of a', 1],
    ['second of a', 0],
  ]);
  const other = await client.acceptNextSession('actors');
  expect([other.sessionId, (await other.receiveMessages(1))[0]?.body]).toEqual(['b', 'scheduled of b']);

  await client.createSender('events').sendMessages([
    { body: 'blue', applicationProperties: { color: 'blue' } },
    { body: 'red', applicationProperties: { color: 'red' } },
  ]);
  const bodiesOf = async (subscription: string, count: number) => {
    const found = await client.createReceiver('events', subscription).receiveMessages(count);
    return found.map(({ body }) => body as string);
  };
  expect(await bodiesOf('all', 3)).toEqual(['shared', 'blue', 'red']);
  expect(await bodiesOf('some', 2)).toEqual(['shared', 'red']);
});

test('the status of a file of the first format is read as that of any other', async () => {
  const data = dataFolder();
  const { waiting } = writeFormerFile(data);
  const inbox = { name: 'inbox', active: waiting + 1, deferred: 1, scheduled: 1, deadLettered: 1 };
  const actors = { name: 'actors', active: 2, scheduled: 1, sessions: 2 };
  for (let look = 0; look < 2; look += 1) {
    expect(await readStatus(data)).toMatchObject([
      inbox,
      actors,
      { name: 'events' },
      { active: 1 },
      { active: 1 },
    ]);
  }
});
