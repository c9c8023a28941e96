// What one state can tell of the messages in hand: nothing is lost or doubled, nothing is changed, and a part ends where the rest
// has to wait for what it leads to.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReceivedInput } from '../../../../../src/actors/host/sort/inbox.ts';
import { type Part, type SortContext, sort } from '../../../../../src/actors/host/sort/sort.ts';
import { emptyState, type SessionState } from '../../../../../src/actors/host/state/session-state.ts';
import type { CoreState } from '../../../../../src/contract/turn.ts';
import { type InboundMessage, PROPERTY } from '../../../../../src/contract/wire.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryPayloads } from '../../../../kit/memory-storage.ts';
import { asker, note, partial, query, reply } from '../../../../kit/notes.ts';

const RECORDED = 77;

const core: CoreState = {
  status: 'active',
  incarnation: 'i',
  turn: 3,
  snapshot: { value: 'a', context: {} },
  tags: [],
  executions: { '1.0': { childId: 'c', src: 's', startedAt: 0, kind: 'task', agent: 'a' } },
  timers: {},
  waiters: [],
  startedAt: 0,
};

const state: SessionState = {
  ...emptyState('m', '1'),
  core,
  inbox: {
    unsettled: [[RECORDED, { kind: 'deadLetter', reason: 'R', description: 'd' }]],
    peers: [],
    keys: [],
  },
};

const context = (more: Partial<SortContext> = {}): SortContext => ({
  state,
  settled: new Set(),
  olderPeers: new Map(),
  newborn: 'n',
  fetched: new Set(),
  payloads: memoryPayloads(),
  inbound: 'test/m/1/in',
  ...more,
});

const keyed = (key: string): InboundMessage => note(1, { properties: { [PROPERTY.key]: key } });
const watch = (): InboundMessage => inbound('watch', { kind: 'watch', asker, leaseMs: 60_000 });
const release = (): InboundMessage => inbound('release', { kind: 'release', asker });
const stop = (): InboundMessage => inbound('stop', { kind: 'stop' });
const timer = (token: string): InboundMessage => inbound('timer', { kind: 'timer', token });
const recorded = (): InboundMessage => note(1, { sequenceNumber: RECORDED });
const unreadable = (): InboundMessage => inbound('event', { kind: 'event' });
const suspect = (): InboundMessage => note(1, { deliveryCount: 1 });

/** Where the messages are that a part speaks of. */
function placesOf({ settlements, inputs, queries, watches, next }: Part): Record<string, InboundMessage[]> {
  const messages = (list: readonly { readonly message: InboundMessage }[]) =>
    list.map(({ message }) => message);
  const ahead = next === undefined ? [] : 'message' in next ? [next.message] : [next.received.message];
  return {
    settlements: messages(settlements),
    inputs: messages(inputs),
    queries: messages(queries),
    watches: messages(watches),
    ...(next === undefined ? {} : { [next.kind]: ahead }),
  };
}

describe('sort', () => {
  it.each([
    ['an event', () => note(1), 'inputs'],
    ['a stop', stop, 'inputs'],
    ['a query', query, 'queries'],
    ['a watch', watch, 'watches'],
    ['what was applied before (I4)', recorded, 'settlements'],
    ['what cannot be read', unreadable, 'settlements'],
    ['an answer of this life', () => reply('1.0~i'), 'inputs'],
    ['an answer of an earlier life (I9)', () => reply('1.0~h'), 'settlements'],
    ['a release', release, 'remedy'],
    ['a wake', () => timer('deliver#1#1'), 'wake'],
    ['the end of a tombstone', () => timer('expire#i'), 'alone'],
    ['what was in hand when a host died (I7)', suspect, 'alone'],
  ])('puts %s where it belongs', async (_, make, place) => {
    const message = make();
    const part = await sort([message], context());
    const { [place]: found, ...others } = placesOf(part);
    expect(found).toEqual([message]);
    expect(Object.values(others).flat()).toEqual([]);
    expect(part.rest).toEqual([]);
  });

  it('settles as its turn committed, as refused, or as done', async () => {
    const part = await sort([recorded(), unreadable(), reply('1.0~h')], context());
    expect(part.settlements.map(({ disposition }) => disposition)).toMatchObject([
      { kind: 'deadLetter', reason: 'R' },
      { kind: 'deadLetter', reason: 'INPUT_INVALID' },
      { kind: 'complete' },
    ]);
    expect(part.strays.map(({ subject }) => subject)).toEqual(['reply']);
    expect(part.dropped).toBe(1);
  });

  it.each([
    [
      'a key that comes twice: the second is judged after the first is applied',
      [keyed('k')],
      keyed('k'),
      undefined,
    ],
    ['a release: what was parked goes before what is newer', [note(1)], release(), 'remedy'],
    ['a suspect: its neighbours are not blamed (I7)', [note(1)], suspect(), 'alone'],
    ['an answer behind a piece that came early', [partial('1.0', 1)], reply('1.0'), 'answer'],
  ] as const)('ends a part at %s', async (_, before, message, kind) => {
    const behind = note(9);
    const part = await sort([...before, message, behind], context());
    expect(part.inputs.map((received) => received.message)).toEqual(before);
    expect(part.next?.kind).toBe(kind);
    expect(part.rest).toEqual(kind === undefined ? [message, behind] : [behind]);
  });

  it('takes a stop as a remedy where the actor is in quarantine', async () => {
    const quarantine = { code: 'C', message: 'm', since: 0, parked: [] };
    const message = stop();
    const part = await sort([message], context({ state: { ...state, quarantine } }));
    expect(part.next).toMatchObject({ kind: 'remedy', message });
  });

  it('does not count the deferral of a fetched message as a delivery', async () => {
    const message = suspect();
    const part = await sort([message], context({ fetched: new Set([message.sequenceNumber]) }));
    expect(placesOf(part)['inputs']).toEqual([message]);
  });

  it('speaks of every message once, in order, and changes nothing', async () => {
    const kinds = [
      () => note(1),
      query,
      watch,
      release,
      stop,
      recorded,
      unreadable,
      suspect,
      () => keyed('k'),
    ];
    const more = [() => reply('1.0~h'), () => reply('1.0'), () => partial('1.0', 1), () => timer('expire#i')];
    const message = fc.constantFrom(...kinds, ...more);
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 20 }), async (makes) => {
        const messages = makes.map((make) => make());
        const given = structuredClone({ messages, state });
        const inputs: InboundMessage[] = [];
        const all: InboundMessage[] = [];
        let rest: readonly InboundMessage[] = messages;
        let first: ReceivedInput | undefined;
        while (rest.length > 0 || first !== undefined) {
          const part = await sort(rest, context(), first);
          const places = placesOf(part);
          const ofPart = Object.values(places).flat();
          all.push(...(first === undefined ? ofPart : ofPart.filter((one) => one !== first?.message)));
          inputs.push(...(places['inputs'] ?? []), ...(places['alone'] ?? []));
          first = part.next?.kind === 'answer' ? part.next.received : undefined;
          rest = part.rest;
        }
        const byNumber = (list: readonly InboundMessage[]) =>
          list.map(({ sequenceNumber }) => sequenceNumber).toSorted((a, b) => a - b);
        expect(byNumber(all)).toEqual(byNumber(messages));
        expect(inputs).toEqual(messages.filter((one) => inputs.includes(one)));
        expect({ messages, state }).toEqual(given);
      }),
    );
  });
});
