import { expect, it } from 'vitest';
import { inGroups } from '../../../../src/actors/agents/groups.ts';
import type { Disposition } from '../../../../src/contract/ports.ts';
import { inbound } from '../../../kit/inbound.ts';

const letters = (count: number) => Array.from({ length: count }, (_, n) => inbound('event', n));

it('works on what is at hand together; what comes meanwhile makes up the next group', async () => {
  const sizes: number[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const handle = inGroups(async (group) => {
    await gates[sizes.push(group.length) - 1]?.promise;
    return group.map(({ body }) => ({ kind: 'deadLetter', reason: String(body), description: '' }) as const);
  });
  const first = letters(3).map(handle);
  await expect.poll(() => sizes).toEqual([3]);
  const second = letters(5).map(handle);
  gates[0]?.resolve();
  expect(await Promise.all(first)).toMatchObject([{ reason: '0' }, { reason: '1' }, { reason: '2' }]);
  gates[1]?.resolve();
  expect(await Promise.all(second)).toHaveLength(5);
  expect(sizes).toEqual([3, 5]);
});

it('rejects all of a group whose work failed, and goes on with the next', async () => {
  let broken = true;
  const handle = inGroups(async (group): Promise<readonly Disposition[]> => {
    if (broken) throw new Error('no broker');
    return group.map(() => ({ kind: 'complete' }));
  });
  const failed = await Promise.allSettled(letters(2).map(handle));
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  broken = false;
  expect(await Promise.all(letters(2).map(handle))).toEqual([{ kind: 'complete' }, { kind: 'complete' }]);
});
