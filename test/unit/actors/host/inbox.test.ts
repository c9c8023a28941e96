import { describe, expect, it } from 'vitest';
import { judge, record } from '../../../../src/actors/host/inbox.ts';
import { EMPTY_INBOX } from '../../../../src/actors/host/session-state.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';

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
    const inbox = record(EMPTY_INBOX, [{ message, disposition: deadLetter }], new Set(), 0, 1000);
    expect(judge(inbox, message)).toEqual({ kind: 'recorded', disposition: deadLetter });
    const later = record(inbox, [], new Set([message.sequenceNumber]), 0, 1000);
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
      1000,
    );
    expect(judge(inbox, early)).toEqual({ kind: 'new' });
  });

  it('knows a peer’s effect again under another sequence number, and tells incarnations apart', () => {
    const inbox = record(
      EMPTY_INBOX,
      [{ message: fromPeer(3, 1), disposition: complete }],
      new Set(),
      0,
      1000,
    );
    expect(judge(inbox, fromPeer(3, 1)).kind).toBe('repeat');
    expect(judge(inbox, fromPeer(2, 9)).kind).toBe('repeat');
    expect(judge(inbox, fromPeer(3, 2)).kind).toBe('new');
    expect(judge(inbox, fromPeer(3, 1, 'two')).kind).toBe('new');
  });

  it('remembers a caller’s key for one duplicate window', () => {
    const send = () => inbound('event', {}, { properties: { [PROPERTY.key]: 'k' } });
    const inbox = record(EMPTY_INBOX, [{ message: send(), disposition: complete }], new Set(), 0, 1000);
    expect(judge(inbox, send()).kind).toBe('repeat');
    expect(judge(record(inbox, [], new Set(), 1001, 1000), send()).kind).toBe('new');
  });

  it('bounds the peers it remembers, the longest silent going first', () => {
    let inbox = EMPTY_INBOX;
    for (let peer = 0; peer < 200; peer++) {
      const message = inbound(
        'event',
        {},
        {
          properties: {
            [PROPERTY.from]: `a/${peer}`,
            [PROPERTY.incarnation]: 'i',
            [PROPERTY.turn]: 1,
            [PROPERTY.index]: 0,
          },
        },
      );
      inbox = record(inbox, [{ message, disposition: complete }], new Set([message.sequenceNumber]), 0, 1000);
    }
    expect(inbox.peers).toHaveLength(128);
    expect(inbox.peers[0]?.[0]).toBe('a/72#i');
  });
});
