import { describe, expect, it } from 'vitest';
import {
  applyEntities,
  compareEntities,
  type EntityAdmin,
} from '../../../../src/bridge/topology/topology-admin.ts';
import { type EntityDeclaration, subscriptionEntity } from '../../../../src/contract/entities.ts';

const coded = (code: string): Error => Object.assign(new Error(code), { code });

/** A namespace in memory. */
function fakeAdmin(existing: Record<string, object>, refusal?: string) {
  const entities = new Map(Object.entries(existing));
  const created: string[] = [];
  const get = async (name: string): Promise<object> => {
    if (refusal !== undefined) throw coded(refusal);
    const found = entities.get(name);
    if (found === undefined) throw coded('MessageEntityNotFoundError');
    return found;
  };
  const create = async (name: string, settings: object): Promise<void> => {
    if (name.includes('raced')) throw coded('MessageEntityAlreadyExistsError');
    if (name.includes('forbidden')) throw coded('UnauthorizedRequestError');
    created.push(`${name} ${JSON.stringify(settings)}`);
  };
  const admin: EntityAdmin = {
    getQueue: get,
    getTopic: get,
    getSubscription: (of, name) => get(`${of} of ${name}`),
    createQueue: create,
    createTopic: create,
    createSubscription: (of, name, settings) => create(`${of} of ${name}`, settings),
  };
  return { admin, created };
}

const queue: EntityDeclaration = {
  kind: 'queue',
  name: 'q',
  requiresSession: true,
  lockDurationMs: 30_000,
  duplicateWindowMs: 60_000,
};
const topic: EntityDeclaration = { kind: 'topic', name: 't', duplicateWindowMs: 60_000 };
const asDeclared = {
  requiresSession: true,
  lockDuration: 'PT30S',
  requiresDuplicateDetection: true,
  duplicateDetectionHistoryTimeWindow: 'PT1M',
};

describe('applyEntities', () => {
  it('creates what is missing with the declared settings', async () => {
    const { admin, created } = fakeAdmin({ 'p-q': asDeclared });
    expect(await applyEntities(admin, [queue, topic, { ...queue, name: 'new' }], 'p-')).toEqual([]);
    expect(created).toEqual([
      'p-t {"requiresDuplicateDetection":true,"duplicateDetectionHistoryTimeWindow":"PT1M"}',
      'p-new {"requiresDuplicateDetection":true,"duplicateDetectionHistoryTimeWindow":"PT1M","requiresSession":true,"lockDuration":"PT30S"}',
    ]);
  });

  it('creates subscriptions with theirs: only the topic has the prefix, and it alone drops repeats', async () => {
    const subscription: EntityDeclaration = {
      kind: 'subscription',
      name: subscriptionEntity('reviews', 'eu'),
      lockDurationMs: 30_000,
      deadLetterOnExpiration: true,
    };
    const { admin, created } = fakeAdmin({});
    expect(await applyEntities(admin, [subscription], 'p-')).toEqual([]);
    expect(created).toEqual([
      'p-topic.reviews of eu {"lockDuration":"PT30S","deadLetteringOnMessageExpiration":true}',
    ]);
    const wrong = fakeAdmin({
      'topic.reviews of eu': { lockDuration: 'PT1M', deadLetteringOnMessageExpiration: true },
    });
    expect(await compareEntities(wrong.admin, [subscription], '')).toEqual([
      'topic.reviews/Subscriptions/eu: lockDuration is PT1M, not PT30S',
    ]);
  });

  it('changes nothing that exists, and says what is wrong with it', async () => {
    const { admin, created } = fakeAdmin({ q: { ...asDeclared, requiresDuplicateDetection: false } });
    expect(await applyEntities(admin, [queue], '')).toEqual([
      'q: requiresDuplicateDetection is false, not true',
    ]);
    expect(created).toEqual([]);
  });

  it('is content when another process was faster, and passes on a refusal', async () => {
    const { admin } = fakeAdmin({});
    expect(await applyEntities(admin, [{ ...queue, name: 'raced' }], '')).toEqual([]);
    await expect(applyEntities(admin, [{ ...queue, name: 'forbidden' }], '')).rejects.toMatchObject({
      code: 'UnauthorizedRequestError',
    });
  });
});

describe('compareEntities', () => {
  it('names what is set wrongly and creates nothing', async () => {
    const { admin, created } = fakeAdmin({ q: { ...asDeclared, lockDuration: 'PT5S' } });
    expect(await compareEntities(admin, [queue, topic], '')).toEqual(['q: lockDuration is PT5S, not PT30S']);
    expect(created).toEqual([]);
  });

  it('knows nothing without the right to read', async () => {
    const { admin } = fakeAdmin({}, 'UnauthorizedRequestError');
    expect(await compareEntities(admin, [queue], '')).toBeUndefined();
    const broken = fakeAdmin({}, 'ServerBusyError');
    await expect(compareEntities(broken.admin, [queue], '')).rejects.toMatchObject({
      code: 'ServerBusyError',
    });
  });
});
