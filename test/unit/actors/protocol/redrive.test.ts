import { expect, it } from 'vitest';
import { redriven } from '../../../../src/actors/protocol/redrive.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';

const DEAD = {
  [PROPERTY.deadFrom]: 'agent.a',
  [PROPERTY.deadSession]: '',
  [PROPERTY.deadCode]: 'TASK_FAILED',
};
const body = {
  kind: 'task',
  agent: 'a',
  input: 1,
  key: 'k',
  execution: '0',
  branch: null,
  attempt: 3,
  deadlineAt: 1,
};

it('a task that is sent again has its attempts, waits and lost hosts before it, and a new deadline', () => {
  const counts = { [PROPERTY.attempt]: 3, [PROPERTY.lost]: 10, [PROPERTY.waits]: 40, [PROPERTY.putOffs]: 39 };
  const kept = { [PROPERTY.agent]: 'a', [PROPERTY.tenant]: 't', [PROPERTY.family]: 'f' };
  const letter = inbound('task', body, { properties: { ...DEAD, ...counts, ...kept }, sequenceNumber: 7 });
  expect(redriven(letter, 1_000)).toMatchObject({
    entity: 'agent.a',
    body: { ...body, attempt: 1, deadlineAt: 601_000 },
    timeToLiveMs: 600_000,
  });
  const { properties = {} } = redriven(letter, 1_000);
  const own = {
    [PROPERTY.format]: 1,
    [PROPERTY.attempt]: 1,
    [PROPERTY.deadline]: 601_000,
    [PROPERTY.redriven]: 7,
  };
  expect(properties).toEqual({ ...kept, ...own });
});

it('what is no body of ours is sent again as it is', () => {
  for (const strange of ['text', [1], null, 7])
    expect(redriven(inbound('task', strange, { properties: DEAD }), 1_000).body).toEqual(strange);
});
