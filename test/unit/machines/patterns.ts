// One of each machine, for tests that are about all of them.
import { all } from '../../../src/machines/policies.ts';
import { proposal } from '../../../src/machines/proposal.ts';
import { saga } from '../../../src/machines/saga.ts';
import { scatterGather } from '../../../src/machines/scatter-gather.ts';

export const PATTERNS = {
  scatterGather: scatterGather({ agents: ['reader', 'checker'], policy: all() }),
  proposal: proposal({
    proposers: ['ann', 'bob'],
    critic: 'judge',
    rounds: 3,
    acceptAt: 0.8,
    offerTtlMs: 60_000,
    deadlineMs: 10_000,
  }),
  saga: saga({
    steps: [
      { name: 'reserve', agent: 'reserver', compensate: 'releaser' },
      { name: 'charge', agent: 'charger', compensate: 'refunder' },
      { name: 'notify', agent: 'notifier' },
    ],
  }),
  sagaWithoutUndo: saga({ steps: [{ name: 'notify', agent: 'notifier' }] }),
} as const;
