// Control over paid work, as its users would notice it: who asks, agents and model are processes of their own, and calls and tokens
// are what the model counted. A part is a file.
import type { Bench, Measurement } from '../kit/measurement.ts';
import { ABOUT as BREAKER, measureBreaker } from './breaker.ts';
import { ABOUT as BUDGET, measureBudget } from './budget.ts';
import { ABOUT as CANCELLATION, measureCancellation } from './cancellation.ts';
import { ABOUT as LANES, measureLanes } from './lanes.ts';
import { ABOUT as LIMITS, measureLimits } from './limits.ts';

const PARTS = [
  { about: CANCELLATION, measure: measureCancellation },
  { about: LIMITS, measure: measureLimits },
  { about: BREAKER, measure: measureBreaker },
  { about: LANES, measure: measureLanes },
  { about: BUDGET, measure: measureBudget },
];

export const control: Bench = {
  name: 'control',
  about: PARTS.map(({ about }) => about).join('; '),
  notMeasured: 'processes on several machines, which find a cancellation in Blob storage within seconds',
  run: async () => {
    const measured: Measurement[] = [];
    for (const { measure } of PARTS) measured.push(...(await measure()));
    return measured;
  },
};
