import { describe, expect, it } from 'vitest';
import { judge, record } from '../../../../../src/actors/host/sort/inbox.ts';
import { mergePeers, NO_PEERS, peerName } from '../../../../../src/actors/host/sort/peers.ts';
import { EMPTY_INBOX } from '../../../../../src/actors/host/state/session-state.ts';
import { PROPERTY } from '../../../../../src/contract/wire.ts';
import { inbound } from '../../../../kit/inbound.ts';

const MEMORY = { duplicateWindowMs: 1_000, retentionMs: 1_000 };
const complete = { kind: 'complete' } as const;
const fromPeer = (turn: number, index: number, incarnation = 'one') =>
  inbound(
    'event',
    { kind: 'event' },
    {
      properties: {
        [PROPERTY.from]: 'a/1',
        [PROPERTY.incarnation]: incarnation,
        [PROPERTY.turn]: turn,
        [PROPERTY.index]: index,
      },
    },
  );

describe('the inbox (I4)', () => {
  it('answers a redelivered message with its recorded disposition until its settlement is confirmed', () => {
    const message = inbound('event', {});
    const deadLetter = { kind: 'deadLetter', reason: 'R', description: 'd' } as const;
    const inbox = record(EMPTY_INBOX, [{ message, disposition: deadLetter }], new Set(), 0, MEMORY);
    expect(judge(inbox, message)).toEqual({ kind: 'recorded', disposition: deadLetter });
    const later = record(inbox, [], new Set([message.sequenceNumber]), 0, MEMORY);
    expect(judge(later, message)).toEqual({ kind: 'new' });
  });

  it('does not presume a lower sequence number applied', () => {
    const early = inbound('event', {});
    const late = inbound('event', {});
    const inbox = record(
      EMPTY_INBOX,
      [{ message: late, disposition: complete }],
      new Set([late.sequenceNumber]),
      0,
      MEMORY,
    );
    expect(judge(inbox, early)).toEqual({ kind: 'new' });
  });

  it('knows a peer’s effect again under another sequence number, and tells incarnations apart', () => {
    const inbox = record(
      EMPTY_INBOX,
      [{ message: fromPeer(3, 1), disposition: complete }],
      new Set(),
      0,
      MEMORY,
    );
    expect(judge(inbox, fromPeer(3, 1)).kind).toBe('repeat');
    expect(judge(inbox, fromPeer(2, 9)).kind).toBe('repeat');
    expect(judge(inbox, fromPeer(3, 2)).kind).toBe('new');
    expect(judge(inbox, fromPeer(3, 1, 'two')).kind).toBe('new');
  });

  it('remembers a caller’s key for one duplicate window', () => {
    const send = () => inbound('event', {}, { properties: { [PROPERTY.key]: 'k' } });
    const inbox = record(EMPTY_INBOX, [{ message: send(), disposition: complete }], new Set(), 0, MEMORY);
    expect(judge(inbox, send()).kind).toBe('repeat');
    expect(judge(record(inbox, [], new Set(), 1001, MEMORY), send()).kind).toBe('new');
  });

  it('remembers every peer for the retention time, and for a duplicate window at least', () => {
    for (const memory of [
      { duplicateWindowMs: 10, retentionMs: 1_000 },
      { duplicateWindowMs: 1_000, retentionMs: 0 },
    ]) {
      let inbox = EMPTY_INBOX;
      for (let peer = 0; peer < 500; peer++) {
        const message = fromPeer(1, 0, String(peer));
        const applied = [{ message, disposition: complete }];
        inbox = record(inbox, applied, new Set([message.sequenceNumber]), peer, memory);
      }
      expect(judge(inbox, fromPeer(1, 0, '0')).kind).toBe('repeat');
      const later = record(inbox, [], new Set(), 1_100, memory);
      expect(judge(later, fromPeer(1, 0, '100')).kind).toBe('new');
      expect(judge(later, fromPeer(1, 0, '101')).kind).toBe('repeat');
    }
  });

  it('knows a peer that has left the session state', () => {
    const older = mergePeers(NO_PEERS, [[peerName('a/1#one'), 3, 1, 0]], 0, MEMORY);
    expect(judge(EMPTY_INBOX, fromPeer(3, 1), undefined, older).kind).toBe('repeat');
    expect(judge(EMPTY_INBOX, fromPeer(3, 2), undefined, older).kind).toBe('new');
    const heard = record(
      EMPTY_INBOX,
      [{ message: fromPeer(4, 0), disposition: complete }],
      new Set(),
      0,
      MEMORY,
    );
    expect(judge(heard, fromPeer(3, 9), undefined, older).kind).toBe('repeat');
    expect(
      judge(EMPTY_INBOX, fromPeer(4, 0), undefined, mergePeers(older, heard.peers, 0, MEMORY)).kind,
    ).toBe('repeat');
  });
});
