// Somebody who may send to the namespace, and has no access to the payload store, names in messages what is a victim's.
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readBrokerRecord } from 'quorate-broker';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBridge } from '../../../src/bridge/bridge.ts';
import type { AgentContext } from '../../../src/contract/config.ts';
import type { Json } from '../../../src/contract/json.ts';
import type { PayloadRef } from '../../../src/contract/payload.ts';
import type { Bridge, Logger } from '../../../src/contract/ports.ts';
import { PROPERTY, WIRE_FORMAT, type WireMessage } from '../../../src/contract/wire.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

const TEXT = randomBytes(200_000).toString('base64');
const warnings: string[] = [];
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (text) => void warnings.push(text),
  error: () => {},
};

const start = () =>
  startRuntime(
    {
      machines: { large: app('large.machine.ts', 'large') },
      agents: {
        grow: {
          retry: { attempts: 1 },
          run: async (input: { text?: string; ref?: PayloadRef; put?: Json }, { payloads }: AgentContext) => {
            if (input.ref !== undefined) return { text: JSON.stringify(await payloads.get(input.ref)) };
            if (input.put !== undefined) return { text: (await payloads.put(input.put)).$payload };
            return { text: input.text ?? '' };
          },
        },
      },
    },
    { logger },
  );

let test: Awaited<ReturnType<typeof start>>;
let thief: Bridge;
let victim: PayloadRef;
let family: string;

const files = async (): Promise<string[]> =>
  (await readdir(join(test.data, 'payloads'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(test.data, 'payloads/').length));

beforeAll(async () => {
  test = await start();
  const { client } = test.runtime;
  await client.start('large', { id: 'victim', input: { text: TEXT } });
  await client.start('large', { id: 'thief', input: { text: '' } });
  const connectionString = readBrokerRecord(test.data)?.connectionString ?? '';
  thief = await createBridge({
    prefix: '',
    topology: 'check',
    lockDurationMs: 5_000,
    duplicateWindowMs: 600_000,
    connection: { kind: 'connectionString', connectionString },
    logger,
  });
  const path = await vi.waitFor(async () => {
    const found = (await files()).find((one) => one.includes('/state-'));
    if (found === undefined) throw new Error('the victim has no payload');
    return found;
  }, 20_000);
  victim = { $payload: path, bytes: 1 };
  family = path.slice(0, path.lastIndexOf('/'));
});
afterAll(async () => {
  await thief.close();
  await test[Symbol.asyncDispose]();
});

const to = (entity: string, subject: WireMessage['subject'], body: Json, more: Partial<WireMessage> = {}) =>
  thief.publish([
    {
      entity,
      subject,
      messageId: randomUUID(),
      body,
      ...more,
      properties: { [PROPERTY.format]: WIRE_FORMAT, ...more.properties },
    },
  ]);
const AS_VICTIM = { replyTo: 'actor.large', replyToSessionId: 'victim' };
const claimed = (field: string) => ({ properties: { [PROPERTY.claimed]: field } });
const task = (input: Json): Json => ({
  kind: 'task',
  agent: 'grow',
  input,
  key: randomUUID(),
  execution: '9.0',
  branch: null,
  attempt: 1,
  deadlineAt: Date.now() + 60_000,
});
const letters = async (): Promise<string[]> =>
  (await test.runtime.client.deadLetters.list({ all: true })).items.map(({ code }) => code);

describe('leaves what it names where it is', () => {
  it.each<[string, (ref: Json) => Promise<unknown>]>([
    [
      'an event for another actor',
      (ref) =>
        to(
          'actor.large',
          'event',
          { kind: 'event', event: ref },
          { sessionId: 'thief', ...claimed('event') },
        ),
    ],
    [
      'a start of another actor',
      (ref) =>
        to('actor.large', 'start', { kind: 'start', input: ref }, { sessionId: 'new', ...claimed('input') }),
    ],
    [
      'a task in the name of the victim',
      (ref) => to('agent.grow', 'task', task(ref), { ...AS_VICTIM, ...claimed('input') }),
    ],
    [
      'an offer in the name of the victim',
      (ref) =>
        to(
          'offers',
          'offer',
          { kind: 'offer', execution: '9.0', branch: null, value: ref, expiresAt: Date.now() + 60_000 },
          { ...AS_VICTIM, ...claimed('value') },
        ),
    ],
    ['a task whose agent reads it', (ref) => to('agent.grow', 'task', task({ ref }), AS_VICTIM)],
  ])('%s', async (_, send) => {
    const before = (await letters()).length;
    const refs = [victim, { ...victim, sig: 'A'.repeat(22) }, { $payload: 'keys/x/1', bytes: 1 }];
    for (const ref of refs) await send({ ...ref });
    await expect.poll(async () => (await letters()).length, { timeout: 20_000 }).toBe(before + refs.length);
    for (const code of await letters()) expect(code).toBe('PAYLOAD_NOT_FOUND');
    expect(await files()).toContain(victim.$payload);
  });

  it('a dead letter that somebody discards', async () => {
    await to(
      'remediation',
      'event',
      { kind: 'event', event: { ...victim } },
      {
        properties: {
          ...claimed('event').properties,
          [PROPERTY.deadFrom]: 'actor.large',
          [PROPERTY.deadSession]: 'victim',
        },
      },
    );
    const { client } = test.runtime;
    const forged = async () => (await client.deadLetters.list({ all: true, actor: 'large/victim' })).items;
    await expect.poll(async () => (await forged()).some(({ kind }) => kind === 'event')).toBe(true);
    for await (const { outcome } of client.deadLetters.discard((await forged()).map(({ number }) => number)))
      expect(outcome).toBe('discarded');
    expect(await files()).toContain(victim.$payload);
  });

  it('a task of the victim’s family: nothing is read or written there, and it is said once', async () => {
    for (const sig of [{}, { [PROPERTY.familySig]: 'A'.repeat(22) }]) {
      await to('agent.grow', 'task', task({ put: { of: sig } }), {
        ...AS_VICTIM,
        replyToSessionId: 'thief',
        properties: { [PROPERTY.family]: family, ...sig },
      });
    }
    await expect
      .poll(async () => (await files()).filter((path) => path.includes('/unsigned/')))
      .toHaveLength(2);
    expect((await files()).filter((path) => path.startsWith(family))).toEqual([victim.$payload]);
    expect(warnings.filter((text) => text.includes('without a signature'))).toHaveLength(1);
  });

  it('and the victim lives, with all that it had', async () => {
    const { context } = await test.runtime.client.query('large', 'victim');
    expect(context).toEqual({ text: TEXT });
  });
});
