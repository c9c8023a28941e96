// The session state as it is written: within its bounds whatever it holds, and read whoever wrote it.

import { describe, expect, it } from 'vitest';
import { judge, record } from '../../../../../src/actors/host/sort/inbox.ts';
import { NO_PEERS, type Peer, shortHash } from '../../../../../src/actors/host/sort/peers.ts';
import { openState, stowState } from '../../../../../src/actors/host/state/claim-state.ts';
import {
  BOUNDS,
  emptyState,
  MAX_STATE_BYTES,
  type SessionState,
  stateBytes,
} from '../../../../../src/actors/host/state/session-state.ts';
import { decodeState, toDifferences, toWritten } from '../../../../../src/actors/host/state/written-state.ts';
import { MAX_ANCESTORS } from '../../../../../src/actors/protocol/lineage.ts';
import { SESSION_WINDOW } from '../../../../../src/contract/sizes.ts';
import type { CoreState } from '../../../../../src/contract/turn.ts';
import { PROPERTY } from '../../../../../src/contract/wire.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryPayloads } from '../../../../kit/memory-storage.ts';

const LAST = Number.MAX_SAFE_INTEGER;
const NOW = 9_999_999_999_999;
const memory = { duplicateWindowMs: 1_000, retentionMs: 1_000 };
const actor = { type: 'm', id: '1' };

const core = (more: Partial<CoreState> = {}): CoreState => ({
  status: 'active',
  incarnation: '00000000-0000-4000-8000-000000000000',
  turn: 1,
  snapshot: null,
  tags: [],
  executions: {},
  timers: {},
  waiters: [],
  startedAt: 0,
  ...more,
});

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
/** Every field, with the largest that it can be: numbers with as many digits as there are, texts that double or more as JSON. */
const full = (): Required<Omit<SessionState, 'claim' | 'outline'>> => ({
  ...emptyState('m'.repeat(81), 'v'.repeat(64)),
  core: core({
    snapshot: 'x'.repeat(MAX_STATE_BYTES),
    turn: LAST,
    startedAt: NOW,
    // More of each than an outline has room for.
    waiters: times(100, (at) => ({
      entity: 'e'.repeat(260),
      sessionId: `${at}`,
      correlationId: 'c'.repeat(1_000),
    })),
    parent: {
      address: { type: 'p'.repeat(81), id: '€'.repeat(128) },
      reply: { entity: 'e'.repeat(260), sessionId: 's'.repeat(128), correlationId: 'c'.repeat(1_000) },
      syncSnapshot: true,
      childId: 'k'.repeat(MAX_STATE_BYTES),
    },
  }),
  inbox: {
    unsettled: times(BOUNDS.unsettled, (at) => [
      LAST - at,
      { kind: 'deadLetter', reason: '"'.repeat(4_096), description: '\u0001€'.repeat(4_096), handled: true },
    ]),
    peers: times(BOUNDS.peers, (at): Peer => [shortHash('peer', String(at)), LAST, LAST, NOW]),
    olderPeers: {
      $payload: `${'p'.repeat(BOUNDS.pathLength)}/peers`,
      bytes: LAST,
      count: LAST,
      sig: 's'.repeat(64),
    },
    keys: times(BOUNDS.keys, (at) => [shortHash('key', String(at)), NOW] as const),
  },
  deferred: Object.fromEntries(
    times(BOUNDS.deferred, (at) => [`${LAST}.${1_000 + at}/199999/${LAST}`, LAST - at]),
  ),
  scheduled: Object.fromEntries(times(5_000, (at) => [`t${LAST}.${at}`, LAST - at])),
  attempts: Object.fromEntries(times(BOUNDS.attempts, (at) => [LAST - at, 10])),
  quarantine: {
    code: '\\'.repeat(4_096),
    message: '\u0001'.repeat(4_096),
    since: NOW,
    parked: parkedNumbers(),
    releasing: true,
    undelivered: { since: NOW, tries: LAST, forGood: true, shown: true },
  },
  movedAt: LAST,
  input: 'i'.repeat(32),
  control: { tenant: 't'.repeat(128) },
  watchers: times(BOUNDS.watchers, (at) => ({
    to: { entity: 'e'.repeat(260), sessionId: '\u0001'.repeat(128), correlationId: `${at}`.repeat(64) },
    until: NOW,
  })),
  dropped: LAST,
  family: 'f'.repeat(BOUNDS.pathLength),
  lineage: Array.from({ length: 2 * MAX_ANCESTORS }, () => 'm'.repeat(22)).join(' '),
  born: LAST,
  revision: LAST,
  traced: { from: 1_999_999_999_999.999, within: true },
  traceparent: 't'.repeat(128),
});

/** As many as fit, as far from each other as they can be then. */
function parkedNumbers(): number[] {
  let count: number = BOUNDS.parked;
  for (;;) {
    const step = Math.floor(LAST / count);
    const numbers = times(count, (at) => (at + 1) * step);
    if (toDifferences(numbers).length <= BOUNDS.parkedBytes) return numbers;
    count -= 100;
  }
}

const stow = (state: SessionState, payloads = memoryPayloads()) =>
  stowState(state, stateBytes(state), { actor, payloads, olderPeers: NO_PEERS, memory, now: NOW });
const read = (raw: unknown) => {
  const decoded = decodeState(JSON.parse(JSON.stringify(raw)), 'v'.repeat(64), () => true, NOW);
  if (decoded.kind !== 'state') throw new Error(`read as ${decoded.kind}`);
  return decoded.state;
};

describe('a session state', () => {
  it('is within what is written with every part of it at its bound', async () => {
    const { written } = await stow(full());
    expect(stateBytes(written)).toBeLessThanOrEqual(MAX_STATE_BYTES);
    // None of the bounds is idle: with twice of any it would be close to the limit, or over it.
    expect(stateBytes(written)).toBeGreaterThan(MAX_STATE_BYTES * 0.85);
  });

  it('has room for whatever can be in hand at once', () => {
    const slice = 64;
    expect(SESSION_WINDOW + BOUNDS.deferred + slice).toBeLessThanOrEqual(BOUNDS.unsettled);
  });

  it('is read as it was written, but for texts that were cut', async () => {
    const payloads = memoryPayloads();
    const state = full();
    const { written } = await stow(state, payloads);
    const { state: again } = await openState(read(written), {
      ...payloads,
      get: async (ref) => (ref.$payload.includes('/state-') ? payloads.get(ref) : []),
    });
    const texts = { quarantine: expect.anything(), inbox: expect.anything() };
    expect(again).toEqual({ ...state, ...texts });
    expect(again.quarantine?.parked).toEqual(state.quarantine?.parked);
    expect(again.inbox).toMatchObject({ peers: state.inbox.peers, keys: state.inbox.keys });
    expect(again.inbox.unsettled.map(([number]) => number)).toEqual(
      state.inbox.unsettled.map(([number]) => number),
    );
  });

  it('cuts no text while all of them fit, and the longest alike when they do not', () => {
    const letter = (at: number, description: string): SessionState['inbox']['unsettled'][number] => [
      at,
      { kind: 'deadLetter', reason: 'MACHINE_THREW', description },
    ];
    const descriptionsOf = (unsettled: SessionState['inbox']['unsettled']): string[] =>
      toWritten({
        ...emptyState('m', '1'),
        inbox: { ...emptyState('m', '1').inbox, unsettled },
      }).inbox.unsettled.map(([, disposition]) =>
        disposition.kind === 'deadLetter' ? disposition.description : '',
      );
    const few = times(8, (at) => letter(at, 'x'.repeat(4_000)));
    expect(descriptionsOf(few)).toEqual(few.map(() => 'x'.repeat(4_000)));
    const many = [letter(0, 'short'), ...times(100, (at) => letter(at + 1, 'x'.repeat(4_000)))];
    const [short, ...cut] = descriptionsOf(many);
    expect(short).toBe('short');
    expect(new Set(cut).size).toBe(1);
    expect(cut[0]).toMatch(/^x{300,}…$/);
  });
});

describe('a state of an earlier release', () => {
  const fromPeer = (turn: number) =>
    inbound(
      'event',
      {},
      {
        properties: {
          [PROPERTY.from]: 'a/1',
          [PROPERTY.incarnation]: 'i',
          [PROPERTY.turn]: turn,
          [PROPERTY.index]: 0,
        },
      },
    );
  const keyed = (key: string) => inbound('event', {}, { properties: { [PROPERTY.key]: key } });
  const former = {
    format: 1,
    type: 'm',
    version: '1',
    core: core({ turn: 7 }),
    outbox: [],
    inbox: {
      unsettled: [[LAST, { kind: 'deadLetter', reason: 'R', description: 'd' }]],
      peers: [['a/1#i', 4, 2]],
      keys: [['mine', NOW - 10]],
    },
    deferred: { '1.0/0/2': 5 },
    scheduled: { 't1.0': 8 },
    attempts: { 9: 1 },
    quarantine: { code: 'C', message: 'why', since: 1, held: [10, 11, 40] },
    dropped: 2,
  };

  it('is read with all that it knows (format 1)', async () => {
    const { state } = await openState(read(former), memoryPayloads());
    expect(state).toMatchObject({
      ...former,
      format: 3,
      inbox: { unsettled: former.inbox.unsettled },
      quarantine: { code: 'C', message: 'why', since: 1, parked: [10, 11, 40] },
    });
    expect(judge(state.inbox, fromPeer(4)).kind).toBe('repeat');
    expect(judge(state.inbox, fromPeer(5)).kind).toBe('new');
    expect(judge(state.inbox, keyed('mine')).kind).toBe('repeat');
    expect(judge(state.inbox, keyed('other')).kind).toBe('new');
    // Peers came without a time: they are remembered from now on.
    expect(judge(record(state.inbox, [], new Set(), NOW + 999, memory), fromPeer(4)).kind).toBe('repeat');
    expect(judge(record(state.inbox, [], new Set(), NOW + 1_000, memory), fromPeer(4)).kind).toBe('new');
  });

  it('is read from the payload store (format 2)', async () => {
    const payloads = memoryPayloads();
    const outbox = [{ kind: 'cancel', entity: 'actor.m', sequenceNumber: 3 }] as const;
    const claim = await payloads.put('test/m/1', 'state-1', {
      core: { ...former.core },
      outbox: [...outbox],
    } as never);
    const written = read({ ...former, format: 2, core: null, outbox: [], claim: { ...claim } });
    const opened = await openState(written, payloads);
    expect(opened.claim).toEqual(claim);
    expect(opened.state).toMatchObject({ core: former.core, outbox, scheduled: former.scheduled, format: 3 });
  });
});

describe('a state with control fields', () => {
  const stateOf = (control?: SessionState['control']): SessionState => ({
    ...emptyState('m', '1'),
    core: core(),
    ...(control === undefined ? {} : { control }),
  });
  const decodedOf = (written: unknown) => {
    const decoded = decodeState(written, '1', () => false, NOW);
    return decoded.kind === 'state' ? decoded.state : expect.fail(decoded.kind);
  };

  it('has a format of its own, and none has it without them', () => {
    expect(toWritten(stateOf()).format).toBe(3);
    expect(toWritten(stateOf({ tenant: 'a' })).format).toBe(4);
    expect(decodedOf(toWritten(stateOf({ tenant: 'a' }))).control).toEqual({ tenant: 'a' });
  });

  it('keeps that format where its core lies in the payload store, and after the core is lost', async () => {
    const payloads = memoryPayloads();
    const state = stateOf({ tenant: 'a' });
    const context = { actor, payloads, olderPeers: NO_PEERS, memory, now: NOW, most: 0 };
    const { written } = await stowState(state, stateBytes(state), context);
    expect(written).toMatchObject({ format: 4, core: null });
    // What a host writes that could not read the claim.
    expect(toWritten(decodedOf(written)).format).toBe(4);
    expect((await openState(decodedOf(written), payloads)).state.control).toEqual({ tenant: 'a' });
  });

  it('is left to others where the format is newer still', () => {
    expect(decodeState({ ...toWritten(stateOf()), format: 5 }, '1', () => false, NOW).kind).toBe('foreign');
  });
});
