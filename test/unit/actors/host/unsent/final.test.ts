// A sum is final when nothing of its run can run any more: of work that never left nothing can, and of what has left it can until its
// deadline, in whatever order it is granted, sent and let go of. What never left is saved, and nothing else is.
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { SLICE } from '../../../../../src/actors/host/unsent/unsent.ts';
import { inLife } from '../../../../../src/actors/protocol/ids.ts';
import { type Told, toUsage } from '../../../../../src/actors/protocol/usage.ts';
import { NO_AMOUNT, savedRow, toCosts } from '../../../../../src/contract/usage.ts';
import { PROPERTY } from '../../../../../src/contract/wire.ts';
import { gate, grant } from '../../../../kit/counted-gate.ts';
import { isTask, numbers, Scene } from '../../../../kit/fan.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { event, query, stateOf } from '../../../../kit/notes.ts';

const saveOne = () => [savedRow('a', '', { ...NO_AMOUNT, calls: 1 })];

function life(scene: Scene): string {
  return stateOf(scene.queue).core?.incarnation ?? '';
}

/** What an earlier child has used: there are books. */
function bill(scene: Scene) {
  const rows = [{ agent: 'a', model: '', ...NO_AMOUNT, calls: 1 }];
  const told: Told = { execution: inLife('0.9', life(scene)), of: 'sum', rows, until: 0 };
  const { subject, body } = toUsage({ entity: 'e', sessionId: 's', messageId: 'u' }, told);
  return inbound(subject, body);
}

async function isFinal(scene: Scene): Promise<unknown> {
  scene.queue.put(query({ messageId: `q${scene.now}` }));
  await scene.hold();
  return scene.queue.sent
    .map(({ body }) => (body as { snapshot?: { costs?: { final: boolean } } } | undefined)?.snapshot)
    .findLast(Boolean)?.costs?.final;
}

const runs = fc.record({
  isGated: fc.boolean(),
  work: fc.oneof(
    fc.constant({ ask: true } as const),
    fc.record({ items: fc.constantFrom(1, 7, SLICE, SLICE + 1, 2 * SLICE + 3) }),
  ),
  // Grants, each a moment after the one before it.
  grants: fc.array(fc.integer({ min: 0, max: SLICE + 5 }), { maxLength: 4 }),
  // With the last grant in one batch, or behind it; or with the very asking.
  end: fc.constantFrom('together', 'after', 'at once'),
});

it('sums are final at once where nothing has left, and else not before the last deadline of what has', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(runs, async ({ isGated, work, grants, end }) => {
      const isOne = 'ask' in work;
      const plan = { items: isOne ? [] : numbers(work.items) };
      const stop = () => inbound('stop', { kind: 'stop' });
      const scene = new Scene(plan, { savedOf: saveOne, ...(isGated ? { gates: [gate] } : {}) });
      if (isOne) {
        await scene.hold();
        scene.queue.put(event('ask'));
      }
      if (end === 'at once') scene.queue.put(stop());
      await scene.hold();
      let total = 0;
      for (const more of end === 'at once' ? [] : grants) {
        scene.now += 1_000;
        total += more;
        scene.queue.put(grant(scene, total));
        if (end === 'together' && more === grants.at(-1)) break;
        await scene.hold();
      }
      // There are books before the end, but where nothing can have left.
      if (end !== 'at once') scene.queue.put(bill(scene), stop());
      await scene.hold();
      if (end === 'at once') scene.queue.put(bill(scene));
      await scene.hold();
      const deadlines = scene.queue.sent
        .filter(isTask)
        .map(({ properties }) => Number(properties?.[PROPERTY.deadline]));
      const last = Math.max(0, ...deadlines);
      const { saved } = toCosts(stateOf(scene.queue).control?.costs?.rows ?? [], true);
      expect(saved.calls + deadlines.length).toBe(isOne ? 1 : work.items);
      seen.add(`${isGated} ${isOne} ${deadlines.length > 0}`);
      expect(stateOf(scene.queue).core?.status).toBe('stopped');
      expect(await isFinal(scene)).toBe(deadlines.length === 0);
      const { until = 0 } = stateOf(scene.queue).control?.costs ?? {};
      if (deadlines.length > 0) expect(until).toBeGreaterThanOrEqual(last);
    }),
    { numRuns: 60, seed: 15 },
  );
  // Gated or not, one task or many, with something sent or nothing.
  expect(seen.size).toBe(8);
});
