// What anybody can write into a message, against everything that reads a reference or a family out of one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  claimLarge,
  familyOf,
  inboundFolder,
  lifeFolder,
  livesFolder,
  openClaims,
  payloadsWithin,
  readValue,
  removeClaims,
} from '../../../../src/actors/protocol/claims.ts';
import { sealAll, signedFamily, signRef } from '../../../../src/actors/protocol/seals.ts';
import type { Json } from '../../../../src/contract/json.ts';
import type { PayloadRef, Payloads, Storage } from '../../../../src/contract/payload.ts';
import type { InboundMessage, WireMessage } from '../../../../src/contract/wire.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { createFolderStorage } from '../../../../src/storage/folder.ts';
import { createPacking } from '../../../../src/storage/packing.ts';
import { createPayloads } from '../../../../src/storage/payloads.ts';
import { inbound } from '../../../kit/inbound.ts';
import { memoryStorage } from '../../../kit/memory-storage.ts';

const packing = createPacking({ compress: false, codecs: [] });
const VICTIM = { type: 'm', id: 'victim' };
const RECEIVER = { type: 'm', id: 'receiver' };
const SECRET = { secret: true };
const MAC = 'A'.repeat(22);

const task = (input: PayloadRef, more: Partial<InboundMessage> = {}): InboundMessage =>
  inbound(
    'task',
    { kind: 'task', key: 'k', input: { ...input } },
    {
      properties: { [PROPERTY.claimed]: 'input' },
      replyTo: 'actor.m',
      replyToSessionId: VICTIM.id,
      ...more,
    },
  );

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-forged-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Blob storage takes any name as it comes, as memory does: nothing there normalises a path. */
const STORES: Record<string, () => Storage> = {
  'a folder': () => createFolderStorage(join(folder, 'store')),
  'names without folders, as Blob storage has': memoryStorage,
};

describe.each(Object.keys(STORES))('a forged reference into %s', (kind) => {
  let payloads: Payloads;
  let victims: readonly PayloadRef[];
  let others: Payloads;
  beforeEach(async () => {
    const storage = (STORES[kind] ?? memoryStorage)();
    payloads = createPayloads(storage, packing, 'scope');
    others = createPayloads(storage, packing, 'elsewhere');
    victims = await Promise.all([
      payloads.put(lifeFolder('scope', VICTIM, 'i'), 'state-1', SECRET),
      payloads.put(inboundFolder('scope', VICTIM), 'claim', SECRET),
      payloads.put('scope/unowned', 'claim', SECRET),
      payloads.put(inboundFolder('elsewhere', RECEIVER), 'claim', SECRET),
      payloads.put(`${inboundFolder('scope', RECEIVER)}-of-another`, 'claim', SECRET),
    ]);
  });

  /** Every way to name what is there, with every kind of signature that somebody without the key may come by. */
  const forgeries = async (): Promise<PayloadRef[]> => {
    const seal = await payloads.seal();
    const foreign = await others.seal();
    const own = inboundFolder('scope', RECEIVER);
    const paths = victims.flatMap(({ $payload, bytes }) =>
      [
        $payload,
        `${own}/../../../../${$payload}`,
        `/${$payload}`,
        `./${$payload}`,
        `${own}//${$payload}`,
      ].map((path) => ({ $payload: path, bytes })),
    );
    const given = signRef(seal, 'claim', await payloads.put(own, 'given', 1));
    return [...paths, { $payload: 'keys/scope/1', bytes: 1 }].flatMap((ref) => [
      ref,
      { ...ref, sig: '' },
      { ...ref, sig: MAC },
      { ...ref, sig: given.sig ?? '' },
      signRef(foreign, 'claim', ref),
      // A value that somebody was given is no claim: nobody removes it by sending it.
      signRef(seal, 'value', ref),
    ]);
  };
  const allThere = async (): Promise<void> => {
    for (const ref of victims) expect(await payloads.get(ref)).toEqual(SECRET);
    await expect(payloads.seal()).resolves.toBeDefined();
  };

  it.each(['a task, an answer, an offer, an action or a letter', 'the inbox of an actor'])(
    'is neither read nor removed as a claim in %s',
    async (where) => {
      const own = where.startsWith('the inbox') ? inboundFolder('scope', RECEIVER) : undefined;
      for (const ref of await forgeries()) {
        await expect(openClaims(task(ref), payloads, own), ref.$payload).rejects.toMatchObject({
          code: 'PAYLOAD_NOT_FOUND',
        });
        await removeClaims(task(ref), payloads, own);
      }
      await allThere();
    },
  );

  it('is not read as a value, by an agent or as the items of a scatter', async () => {
    const seal = await payloads.seal();
    const family = lifeFolder('scope', RECEIVER, 'i');
    const agent = payloadsWithin(payloads, family);
    const forged = (await forgeries()).filter(
      ({ sig, $payload, bytes }) => sig !== signRef(seal, 'value', { $payload, bytes }).sig,
    );
    for (const ref of [...forged, ...victims.map((one) => signRef(seal, 'claim', one))]) {
      const refused = { code: 'PAYLOAD_NOT_FOUND' };
      await expect(agent.get(ref), ref.$payload).rejects.toMatchObject(refused);
      await expect(
        readValue(ref, payloads, [family, lifeFolder('scope', RECEIVER, 'j')]),
      ).rejects.toMatchObject(refused);
    }
    await allThere();
  });

  it('counts no more once anything of a signed one is changed', async () => {
    const seal = await payloads.seal();
    const [victim] = victims;
    if (victim === undefined) throw new Error('no victim');
    const signed = signRef(seal, 'claim', { ...victim, count: 2 });
    for (const change of [{ bytes: 1 }, { count: 3 }, { $payload: `${victim.$payload}2` }])
      await expect(openClaims(task({ ...signed, ...change }), payloads)).rejects.toMatchObject({
        code: 'PAYLOAD_NOT_FOUND',
      });
    expect((await openClaims(task(signed), payloads)).body).toMatchObject({ input: SECRET });
  });

  it('may be unsigned below the own inbound folder, as other builds send it', async () => {
    const own = inboundFolder('scope', RECEIVER);
    const ref = await payloads.put(own, 'one', SECRET);
    expect((await openClaims(task(ref), payloads, own)).body).toMatchObject({ input: SECRET });
    await removeClaims(task(ref), payloads, own);
    await expect(payloads.get(ref)).rejects.toMatchObject({ code: 'PAYLOAD_NOT_FOUND' });
  });

  it('of an agent’s own is read by every agent that is given it, also of another family', async () => {
    const ref = await payloadsWithin(payloads, lifeFolder('scope', VICTIM, 'i')).put([1, 2]);
    expect(await payloadsWithin(payloads, lifeFolder('scope', RECEIVER, 'i')).get(ref)).toEqual([1, 2]);
    // What an earlier build has put away, and a state of it names.
    const { sig: _, ...unsigned } = ref;
    expect(await payloadsWithin(payloads, lifeFolder('scope', VICTIM, 'i')).get(unsigned)).toEqual([1, 2]);
  });
});

describe('a family', () => {
  const payloads = createPayloads(memoryStorage(), packing, 'scope');
  const FAMILY = lifeFolder('scope', VICTIM, 'i');
  const wire = (subject: 'task' | 'start', family: string): WireMessage => ({
    entity: subject === 'task' ? 'agent.a' : 'actor.m',
    messageId: 'm',
    subject,
    ...(subject === 'task' ? { replyTo: 'actor.m', replyToSessionId: 'asker' } : { sessionId: 'child' }),
    properties: { [PROPERTY.family]: family },
    body: subject === 'task' ? { kind: 'task', key: 'k' } : { kind: 'start', input: null },
  });
  const received = ({ subject, properties = {}, body, ...rest }: WireMessage): InboundMessage =>
    inbound(subject, body, { properties, ...rest });
  const sealed = async (subject: 'task' | 'start'): Promise<InboundMessage> => {
    const [message] = await sealAll([wire(subject, FAMILY)], payloads);
    return received(message ?? wire(subject, ''));
  };

  it.each(['task', 'start'] as const)('of a %s counts as the host has sent it', async (subject) => {
    expect(signedFamily(await payloads.seal(), await sealed(subject))).toBe(FAMILY);
  });

  it.each([
    ['another key', { body: { kind: 'task', key: 'k2' } }],
    ['another asker', { replyToSessionId: 'thief' }],
    ['another queue of its asker', { replyTo: 'actor.thief' }],
    ['another kind', { subject: 'start' }],
  ] as const)('of a task does not count for %s', async (_, change) => {
    const message = { ...(await sealed('task')), ...change };
    expect(signedFamily(await payloads.seal(), message)).toBeUndefined();
  });

  it('of a start does not count for another child', async () => {
    const message = { ...(await sealed('start')), sessionId: 'other' };
    expect(signedFamily(await payloads.seal(), message)).toBeUndefined();
  });

  it.each([
    [FAMILY, undefined],
    [FAMILY, ''],
    [FAMILY, MAC],
    [FAMILY, 1],
    ['keys/scope', MAC],
    ['../../x', MAC],
    ['', MAC],
  ])(
    'forged as %j with %j is not looked into: the asker’s own folder takes its place',
    async (family, sig) => {
      const message = received(wire('task', family));
      const properties = {
        ...message.properties,
        ...(sig === undefined ? {} : { [PROPERTY.familySig]: sig }),
      };
      const found = await familyOf({ ...message, properties }, payloads);
      const own = `${livesFolder('scope', { type: 'm', id: 'asker' })}/unsigned`;
      expect(found).toEqual({ folder: own, refused: family });
    },
  );

  it('is signed as it leaves, whoever has written it into the state, and costs no message when the store is away', async () => {
    const storage = memoryStorage();
    storage.fail = () => new Error('no answer');
    const away = createPayloads(storage, packing, 'scope');
    const message = wire('task', FAMILY);
    expect(await sealAll([message], away)).toEqual([message]);
    const claimed = { ...message, properties: { [PROPERTY.claimed]: 'input' } };
    await expect(sealAll([claimed], away)).rejects.toThrow('no answer');
  });
});

it('a claim of an earlier build in a committed state is signed as it leaves', async () => {
  const payloads = createPayloads(memoryStorage(), packing, 'scope');
  const ref = await payloads.put(lifeFolder('scope', VICTIM, 'i'), 'one', SECRET);
  const message: WireMessage = {
    entity: 'agent.a',
    messageId: 'm',
    subject: 'task',
    properties: { [PROPERTY.claimed]: 'input' },
    body: { kind: 'task', key: 'k', input: { ...ref } },
  };
  const [sent] = await sealAll([message], payloads);
  const { body = null, properties = {} } = sent ?? {};
  expect((await openClaims(inbound('task', body, { properties }), payloads)).body).toMatchObject({
    input: SECRET,
  });
});

it.each(['task', 'event', 'answer', 'reply'] as const)(
  'a %s that is too large travels signed',
  async (subject) => {
    const payloads = createPayloads(memoryStorage(), packing, 'scope');
    const field: Json = 'x'.repeat(300_000);
    const small = await claimLarge(
      {
        entity: subject === 'task' ? 'agent.a' : 'actor.m',
        messageId: 'm',
        subject,
        sessionId: 'receiver',
        replyTo: 'actor.m',
        replyToSessionId: 'asker',
        body: { field },
      },
      payloads,
      'scope/own',
    );
    const { body, properties = {} } = small;
    expect((await openClaims(inbound(subject, body, { properties }), payloads)).body).toEqual({ field });
  },
);
