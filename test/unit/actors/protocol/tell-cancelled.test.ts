import { expect, it } from 'vitest';
import { executionMark, lifeMark } from '../../../../src/actors/protocol/lineage.ts';
import { cancelledIn, tellCancelled } from '../../../../src/actors/protocol/tell-cancelled.ts';
import type { WireMessage } from '../../../../src/contract/wire.ts';
import { createTaskClaimFiles } from '../../../../src/storage/task-claims.ts';
import { memoryStorage } from '../../../kit/memory-storage.ts';

const life = lifeMark('m/1', 'i');
const [one, other] = [executionMark('m/1', 'i', '1.0'), executionMark('m/1', 'i', '2.0')];

async function tell(marks: readonly string[]): Promise<WireMessage[]> {
  const claims = createTaskClaimFiles(memoryStorage(), 's');
  await claims.take({ life, execution: one, key: 'k1' }, 'process-a');
  await claims.take({ life, execution: one, key: 'k2' }, 'process-a');
  await claims.take({ life, execution: one, key: 'k3' }, 'process-own');
  await claims.take({ life, execution: other, key: 'k4' }, 'process-b');
  await claims.take({ life: lifeMark('m/1', 'later'), execution: other, key: 'k5' }, 'process-c');
  const sent: WireMessage[] = [];
  const publish = async (messages: readonly WireMessage[]) => {
    sent.push(...messages);
    return messages.map(() => ({}));
  };
  await tellCancelled(life, marks, { claims, bridge: { publish }, own: 'process-own' });
  return sent;
}

it.each([
  ['an execution', [one], ['process-a']],
  ['two executions', [one, other], ['process-a', 'process-b']],
  ['a life', [life], ['process-a', 'process-b']],
  ['what nobody runs', [executionMark('m/1', 'i', '9.0')], []],
])('who runs something of %s is told once, but not this process', async (_name, marks, processes) => {
  const sent = await tell(marks);
  expect(sent.map(({ sessionId = '' }) => sessionId).toSorted()).toEqual(processes);
  for (const { entity, body } of sent) {
    expect(entity).toBe('replies');
    expect(cancelledIn((body as { outcome: { output: unknown } }).outcome.output)).toEqual(marks);
  }
});

it.each([[null], [{}], [{ marks: 'a' }], [{ marks: ['short'] }], [{ marks: [7] }]])(
  'what says something else says nothing (%j)',
  (output) => expect(cancelledIn(output)).toEqual([]),
);
