// A record of an actor, as a host tells it to the index.
import type { ActorRecord } from '../../src/contract/records.ts';

export const NOW = 1_700_000_000_000;

export function record(more: Partial<ActorRecord> = {}): ActorRecord {
  return {
    kind: 'actor',
    type: 'order',
    id: '7',
    life: 10,
    revision: 1,
    incarnation: 'i',
    turn: 1,
    prevTurn: 0,
    at: NOW,
    status: 'active',
    value: 'open',
    tags: [],
    startedAt: NOW,
    version: '1',
    host: 'p',
    steps: [{ turn: 1, event: 'xstate.init', to: 'open' }],
    executions: [],
    ...more,
  };
}
