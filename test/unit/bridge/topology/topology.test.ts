import { describe, expect, it } from 'vitest';
import {
  compareSettings,
  fromIsoDuration,
  toBrokerTopology,
  toIsoDuration,
} from '../../../../src/bridge/topology/topology.ts';
import { declareEntities } from '../../../../src/contract/entities.ts';

describe('ISO 8601 durations', () => {
  it.each([
    [0, 'PT0S'],
    [500, 'PT0.5S'],
    [30_000, 'PT30S'],
    [60_000, 'PT1M'],
    [600_000, 'PT10M'],
    [90_061_000, 'P1DT1H1M1S'],
    [604_800_000, 'P7D'],
  ])('%i ms is %s', (ms, text) => {
    expect(toIsoDuration(ms)).toBe(text);
    expect(fromIsoDuration(text)).toBe(ms);
  });

  it('equals nothing when it is no duration', () => {
    expect(fromIsoDuration('1 minute')).toBeNaN();
    expect(fromIsoDuration('undefined')).toBeNaN();
  });
});

describe('toBrokerTopology', () => {
  it('describes the entities of an application in the words of the service', () => {
    const entities = declareEntities({
      machineTypes: ['review'],
      logicTypes: [],
      actionTypes: [],
      agents: ['lint'],
      lockDurationMs: 30_000,
      duplicateWindowMs: 600_000,
    });
    const { queues, topics } = toBrokerTopology(entities, 'dev-');
    expect(queues.find(({ name }) => name === 'dev-actor.review')).toEqual({
      name: 'dev-actor.review',
      requiresSession: true,
      lockDuration: 'PT30S',
      maxDeliveryCount: 2_147_483_647,
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: 'PT10M',
    });
    expect(queues.find(({ name }) => name === 'dev-agent.lint')).toMatchObject({
      deadLetteringOnMessageExpiration: true,
    });
    expect(topics).toEqual([
      { name: 'dev-events', requiresDuplicateDetection: true, duplicateDetectionHistoryTimeWindow: 'PT10M' },
    ]);
  });
});

describe('compareSettings', () => {
  const declared = {
    name: 'q',
    requiresSession: true,
    lockDuration: 'PT1M',
    requiresDuplicateDetection: true,
    duplicateDetectionHistoryTimeWindow: 'PT10M',
  };

  it('finds nothing wrong where durations are only written otherwise', () => {
    expect(compareSettings(declared, { ...declared, lockDuration: 'PT60S', maxDeliveryCount: 3 })).toEqual(
      [],
    );
  });

  it('names each setting that is wrong', () => {
    const actual = { ...declared, lockDuration: 'PT5S', requiresDuplicateDetection: false };
    expect(compareSettings(declared, actual)).toEqual([
      'q: lockDuration is PT5S, not PT1M',
      'q: requiresDuplicateDetection is false, not true',
    ]);
    expect(compareSettings(declared, {})).toHaveLength(4);
  });
});
