import { describe, expect, it } from 'vitest';
import { type CpuProfile, microsecondsByPart } from '../../../bench/runtime/profile.ts';

const node = (id: number, functionName: string, url = '', children: number[] = []) => ({
  id,
  callFrame: { functionName, url },
  children,
});

const PROFILE: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 5]),
    node(2, '(idle)'),
    node(3, 'commit', 'file:///a/src/bridge/session-link.js', [4]),
    node(4, 'emit', 'node:events', [6]),
    node(5, 'processTicksAndRejections', 'node:internal/process/task_queues'),
    node(6, 'send', 'file:///a/node_modules/rhea/lib/link.js'),
  ],
  samples: [2, 3, 4, 5, 6],
  timeDeltas: [10, 20, 30, 40, 50],
};

describe('a profile by part', () => {
  const parts = microsecondsByPart(PROFILE);

  it('gives a sample to the innermost frame that is known', () => {
    expect(parts.get('idle')).toBe(10);
    // 20 of its own and the 30 that Node spent for it.
    expect(parts.get('bridge: lease, intake, batches, settling')).toBe(50);
    expect(parts.get('AMQP frames and links (rhea)')).toBe(50);
    expect(parts.get('Node: event loop, promises, streams, timers')).toBe(40);
  });

  it('adds up', () => {
    expect([...parts.values()].reduce((sum, us) => sum + us, 0)).toBe(150);
  });
});
