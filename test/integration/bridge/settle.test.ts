// Neighbours that are settled in one tick each get their own outcome: rhea writes a run of them with that of the first.
import { expect, it } from 'vitest';
import type { Disposition } from '../../../src/contract/ports.ts';
import { PROPERTY } from '../../../src/contract/wire.ts';
import { ACTORS, startWorld, TASKS } from './kit.ts';

const OUTCOMES: readonly Disposition['kind'][] = [
  'complete',
  'deadLetter',
  'complete',
  'defer',
  'deadLetter',
  'complete',
];

function dispositionOf(body: unknown): Disposition {
  const kind = OUTCOMES[body as number] ?? 'complete';
  return kind === 'deadLetter' ? { kind, reason: `R${String(body)}`, description: 'd' } : { kind };
}

const messages = (entity: string, sessionId?: string) =>
  OUTCOMES.map((_, body) => ({
    entity,
    subject: 'event' as const,
    messageId: `m${body}`,
    body,
    ...(sessionId === undefined ? {} : { sessionId }),
  }));

const EXPECTED = { active: 0, deferred: 1, deadLettered: 2 };

it('settles tasks that end together each in its own way', async () => {
  const { bridge, broker, prefix } = await startWorld();
  const together = Promise.withResolvers<void>();
  let waiting = 0;
  bridge.pumpTasks({
    entity: TASKS,
    concurrency: OUTCOMES.length,
    onMessage: async ({ body }) => {
      if (++waiting === OUTCOMES.length) together.resolve();
      await together.promise;
      return dispositionOf(body);
    },
  });
  await bridge.publish(messages(TASKS));
  const status = async () => (await broker.status()).find(({ name }) => name === `${prefix}${TASKS}`);
  await expect.poll(status).toMatchObject(EXPECTED);
});

it('settles a session’s messages in one go each in its own way', async () => {
  const { bridge, broker, prefix } = await startWorld();
  await bridge.publish(messages(ACTORS, 's'));
  bridge.pumpSessions({
    entity: ACTORS,
    maxSessions: 1,
    window: 16,
    holdQuantumMs: 5_000,
    onSession: async (session) => {
      for (;;) {
        const taken = await session.take({ max: 16, idleMs: 300 });
        if (taken.kind !== 'messages') return;
        await Promise.all(
          taken.messages.map((message) => session.settle(message, dispositionOf(message.body))),
        );
      }
    },
  });
  const status = async () => (await broker.status()).find(({ name }) => name === `${prefix}${ACTORS}`);
  await expect.poll(status).toMatchObject(EXPECTED);
});

it('settles dead letters and deferrals that are alike in one go, each with its own reason', async () => {
  const { bridge, broker, prefix } = await startWorld();
  const REASONS = ['A', 'A', 'A', 'B', 'B', 'defer', 'defer', 'defer', 'A', 'complete', 'complete', 'B'];
  const sent = REASONS.map((body, n) => ({
    entity: ACTORS,
    subject: 'event' as const,
    messageId: `m${n}`,
    body,
  }));
  await bridge.publish(sent.map((message) => ({ ...message, sessionId: 's' })));
  bridge.pumpSessions({
    entity: ACTORS,
    maxSessions: 1,
    window: 16,
    holdQuantumMs: 5_000,
    onSession: async (session) => {
      for (;;) {
        const taken = await session.take({ max: 16, idleMs: 300 });
        if (taken.kind !== 'messages') return;
        await Promise.all(
          taken.messages.map((message) => {
            const reason = String(message.body);
            const kind = reason.length > 1 ? (reason as 'defer' | 'complete') : 'deadLetter';
            return session.settle(
              message,
              kind === 'deadLetter' ? { kind, reason, description: reason } : { kind },
            );
          }),
        );
      }
    },
  });
  const reasons: string[] = [];
  bridge.pumpDeadLetters({
    entity: ACTORS,
    concurrency: 8,
    onMessage: async ({ body, deadLetterReason }) => {
      reasons.push(`${String(body)}: ${deadLetterReason}`);
      return { kind: 'complete' };
    },
  });
  const dead = REASONS.filter((reason) => reason.length === 1).map((reason) => `${reason}: ${reason}`);
  await expect.poll(() => reasons.toSorted(), { timeout: 10_000 }).toEqual(dead.toSorted());
  const status = async () => (await broker.status()).find(({ name }) => name === `${prefix}${ACTORS}`);
  await expect.poll(status, { timeout: 10_000 }).toMatchObject({ active: 0, deferred: 3, deadLettered: 0 });
});

it('marks a dead letter of which nobody has to take care', async () => {
  const { bridge } = await startWorld();
  const marks = new Map<string, unknown>();
  const both = Promise.withResolvers<void>();
  bridge.pumpTasks({
    entity: TASKS,
    concurrency: 1,
    onMessage: async ({ messageId }) => ({
      kind: 'deadLetter',
      reason: 'R',
      description: 'd',
      ...(messageId === 'm0' ? { handled: true as const } : {}),
    }),
  });
  bridge.pumpDeadLetters({
    entity: TASKS,
    concurrency: 1,
    onMessage: async ({ messageId, properties }) => {
      marks.set(messageId, properties[PROPERTY.handled]);
      if (marks.size === 2) both.resolve();
      return { kind: 'complete' };
    },
  });
  await bridge.publish(messages(TASKS).slice(0, 2));
  await both.promise;
  expect(Object.fromEntries(marks)).toEqual({ m0: true, m1: undefined });
});
