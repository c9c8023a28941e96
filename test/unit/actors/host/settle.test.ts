// The last stage: in what order messages are settled, and what is known of it afterwards.
import { describe, expect, it } from 'vitest';
import type { Settlement, SettlerContext } from '../../../../src/actors/host/settle.ts';
import { completed, Settler } from '../../../../src/actors/host/settle.ts';
import { emptyState, type SessionState } from '../../../../src/actors/host/state/session-state.ts';
import type { Payloads } from '../../../../src/contract/payload.ts';
import type { InboundMessage } from '../../../../src/contract/wire.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { memoryPayloads } from '../../../kit/memory-storage.ts';
import { note } from '../../../kit/notes.ts';

const INBOUND = 'test/m/1/in';

interface Setting {
  readonly settler: Settler;
  /** What happened, in order. */
  readonly log: string[];
}

/** A settler whose state knows the messages of these numbers as applied. */
function settling(known: readonly number[] = [], more: Partial<SettlerContext> = {}): Setting {
  const log: string[] = [];
  let lost = false;
  const state: SessionState = {
    ...emptyState('m', '1'),
    inbox: { unsettled: known.map((number) => [number, { kind: 'complete' }]), peers: [], keys: [] },
  };
  const payloads: Payloads = {
    ...memoryPayloads(),
    remove: async ({ $payload }) => void log.push(`remove ${$payload}`),
  };
  const settler = new Settler({
    session: {
      settle: async ({ sequenceNumber }, { kind }) => {
        log.push(`${kind} ${sequenceNumber}`);
        return 'settled';
      },
    },
    payloads,
    inbound: INBOUND,
    state: () => state,
    isLost: () => lost,
    onLost: () => {
      lost = true;
    },
    warn: (what) => log.push(what),
    ...more,
  });
  return { settler, log };
}

const messages = (...numbers: readonly number[]): Settlement[] =>
  numbers.map((sequenceNumber) => completed(note(1, { sequenceNumber })));

/** A message whose event lies in the payload store. */
const claiming = (sequenceNumber: number): InboundMessage =>
  note(1, {
    sequenceNumber,
    properties: { [PROPERTY.claimed]: 'event' },
    body: { kind: 'event', event: { $payload: `${INBOUND}/${sequenceNumber}`, bytes: 1 } },
  });

describe('the settler', () => {
  it('settles the first message last: it is the anchor (I5)', async () => {
    const { settler, log } = settling();
    settler.settle(messages(1, 2, 3), new Set());
    await settler.idle();
    expect(log).toEqual(['complete 3', 'complete 2', 'complete 1']);
  });

  it('settles what was fetched before what is active, for they travel on two links (I5)', async () => {
    const { settler, log } = settling();
    settler.settle(messages(1, 5, 2), new Set([5]));
    await settler.idle();
    expect(log).toEqual(['complete 5', 'complete 2', 'complete 1']);
  });

  it('settles nothing before what was cancelled is taken back (I5)', async () => {
    const { settler, log } = settling();
    const takenBack = Promise.withResolvers<void>();
    settler.waitFor(takenBack.promise);
    settler.settle(messages(1), new Set());
    await new Promise(setImmediate);
    expect(log).toEqual([]);
    takenBack.resolve();
    await settler.idle();
    expect(log).toEqual(['complete 1']);
  });

  it('knows what was confirmed until a commit forgets it, if the state names it (I4)', async () => {
    const { settler } = settling([1, 2]);
    await settler.settleNow(messages(1, 2, 3));
    expect([...settler.settled]).toEqual([1, 2]);
    settler.forget([1]);
    expect([...settler.settled]).toEqual([2]);
  });

  it('confirms nothing once the lock is lost, and says so (I1)', async () => {
    let told = 0;
    const { settler } = settling([1], {
      session: { settle: async () => 'lost' },
      onLost: () => {
        told += 1;
      },
    });
    await settler.settleNow(messages(1));
    expect(told).toBe(1);
    expect([...settler.settled]).toEqual([]);
  });

  it('removes what a message claimed: before it is settled where the state knows it, else afterwards', async () => {
    const { settler, log } = settling([1]);
    await settler.settleNow([completed(claiming(1)), completed(claiming(2))]);
    expect(log).toEqual([`remove ${INBOUND}/1`, 'complete 1', 'complete 2', `remove ${INBOUND}/2`]);
  });

  it('keeps what could not be read, and what is not completed', async () => {
    const { settler, log } = settling();
    settler.keepPayloadOf(1);
    const disposition = { kind: 'deadLetter', reason: 'R', description: 'd' } as const;
    await settler.settleNow([completed(claiming(1)), { message: claiming(2), disposition }]);
    expect(log).toEqual(['complete 1', 'deadLetter 2']);
  });
});
