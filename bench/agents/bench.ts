// Agents as people build them, as their users would notice it. A part is a file.
import type { Bench, Measurement } from '../kit/measurement.ts';
import { measureStreams, ABOUT as STREAMS } from './streams.ts';
import { measureTokens, ABOUT as TOKENS } from './tokens.ts';

const PARTS = [
  { about: STREAMS, measure: measureStreams },
  { about: TOKENS, measure: measureTokens },
];

export const agents: Bench = {
  name: 'agents',
  about: PARTS.map(({ about }) => about).join('; '),
  notMeasured: 'a namespace and Blob storage, whose answers take longer; their operations are counted',
  run: async () => {
    const measured: Measurement[] = [];
    for (const { measure } of PARTS) measured.push(...(await measure()));
    return measured;
  },
};
