// What the client process can be asked to do. Each work times itself: links are open and messages made before its clock starts.

import { fill, fillSessions } from './work/fill.ts';
import { holdStates } from './work/hold-states.ts';
import { receiveAndComplete } from './work/receive-and-complete.ts';
import { roundTrip } from './work/round-trip.ts';
import { send } from './work/send.ts';
import { sendBatches } from './work/send-batches.ts';
import { sessionCycle } from './work/session-cycle.ts';
import type { Work } from './work.ts';

export const WORKS = {
  send,
  sendBatches,
  receiveAndComplete,
  sessionCycle,
  roundTrip,
  fill,
  fillSessions,
  holdStates,
} satisfies Record<string, Work>;

export type WorkName = keyof typeof WORKS;
