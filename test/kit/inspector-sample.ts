// A machine that has one of everything that is drawn.
import type { Json } from '../../src/contract/json.ts';

export const SAMPLE: Json = {
  id: 'review',
  initial: 'scanning',
  entry: { type: 'note' },
  states: {
    scanning: {
      tags: ['busy'],
      invoke: {
        id: 'scan',
        src: 'scanFolder',
        onDone: { target: 'working', guard: 'hasFiles' },
        onError: 'failed',
      },
      after: { 60000: 'failed' },
    },
    working: {
      type: 'parallel',
      onDone: 'done',
      states: {
        findings: {
          initial: 'gathering',
          states: {
            gathering: {
              invoke: { id: 'g', src: 'scatterFiles', onDone: 'gathered' },
              on: { PROGRESS: { actions: 'count' } },
            },
            gathered: { type: 'final' },
          },
        },
        plan: {
          initial: 'asking',
          states: {
            asking: {
              on: {
                'proposal.accepted': 'agreed',
                'proposal.refused': { target: 'asking', reenter: true, guard: 'roundsLeft' },
              },
            },
            agreed: { type: 'final' },
          },
        },
      },
      on: { CANCEL: 'failed' },
    },
    done: { type: 'final' },
    failed: { on: { RETRY: 'scanning' } },
  },
};
