// The two patterns that peers are measured with: five steps in order, and a hundred at once.
import { all, saga, scatterGather } from 'quorate';

export const fiveSteps = saga({
  id: 'fiveSteps',
  steps: ['one', 'two', 'three', 'four', 'five'].map((name) => ({ name, agent: 'unit' })),
});

export const hundred = scatterGather({ agents: ['unit'], policy: all(), collect: 'counts' });
