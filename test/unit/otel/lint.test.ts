import { describe, expect, it } from 'vitest';
import { criticalPath, lintTrace, type Rule } from '../../../otel/lint.ts';
import { type FlatSpan, OTLP_KIND } from '../../../otel/otlp.ts';

const MS = 1_000_000n;

function span(spanId: string, over: Partial<FlatSpan> = {}): FlatSpan {
  return {
    traceId: 't',
    spanId,
    service: 'quorate',
    host: 'here',
    scope: 'quorate',
    name: spanId,
    kind: OTLP_KIND.internal,
    start: 0n,
    end: 100n * MS,
    attributes: {},
    links: [],
    dropped: 0,
    failed: false,
    ...over,
  };
}

const root = span('root');
const child = (over: Partial<FlatSpan> = {}): FlatSpan => span('child', { parentSpanId: 'root', ...over });
const rules = (...spans: FlatSpan[]): Rule[] => lintTrace(spans).map(({ rule }) => rule);

it('finds nothing in a sound scatter-gather', () => {
  const task = span('task', { parentSpanId: 'root', start: 1n * MS, end: 90n * MS });
  const process = span('process', {
    parentSpanId: 'task',
    kind: OTLP_KIND.consumer,
    start: 5n * MS,
    end: 80n * MS,
  });
  const gather = span('gather x', {
    parentSpanId: 'root',
    start: 91n * MS,
    attributes: { 'quorate.gather.ok': 1 },
    links: [{ traceId: 't', spanId: 'process' }],
  });
  expect(lintTrace([root, task, process, gather])).toEqual([]);
});

const failed = { failed: true, message: 'why', attributes: { 'error.type': 'X' } };

it.each<[Rule, FlatSpan[]]>([
  ['unresolved-parent', [root, span('lost', { parentSpanId: 'gone' })]],
  [
    'unresolved-parent',
    [root, span('friend', { parentSpanId: 'root' }), child({ traceId: 'other', links: [root] })],
  ],
  ['second-root', [root, span('second')]],
  ['second-root', [root, span('second', { links: [root] })]],
  ['outside-parent', [root, child({ end: 100n * MS + 1n })]],
  ['outside-parent', [span('root', { start: 1n }), child()]],
  ['outside-parent', [root, child({ scope: 'other', end: 102n * MS })]],
  ['outside-parent', [root, child({ host: 'there', end: 106n * MS })]],
  ['outside-parent', [span('root', { ...failed, kind: OTLP_KIND.client }), child({ end: 101n * MS })]],
  ['ends-before-start', [root, child({ start: 2n, end: 1n })]],
  [
    'too-many-links',
    [
      root,
      span('friend', { parentSpanId: 'root' }),
      child({ links: Array.from({ length: 101 }, () => ({ traceId: 't', spanId: 'friend' })) }),
    ],
  ],
  ['cut-by-limits', [root, child({ dropped: 1 })]],
  ['unresolved-link', [root, child({ links: [{ traceId: 't', spanId: 'gone' }] })]],
  ['links-to-parent', [root, child({ links: [root] })]],
  ['duplicate-id', [root, child(), child({ name: 'twin' })]],
  ['gather-links-missing', [root, child({ name: 'gather x', attributes: { 'quorate.gather.ok': 1 } })]],
  ['host-name-missing', [root, child({ host: '' })]],
  ['failure-not-red', [root, child({ attributes: { 'quorate.outcome': 'failed' } })]],
  ['failure-not-red', [root, child({ attributes: { 'error.type': 'X' } })]],
  ['failure-unexplained', [root, child({ failed: true, message: 'why' })]],
  ['failure-unexplained', [root, child({ failed: true, attributes: { 'error.type': 'X' } })]],
  ['stray-trace', [span('alone')]],
  [
    'equal-stamps',
    [root, child({ end: 50n * MS }), span('next', { parentSpanId: 'root', start: 50n * MS + 999n })],
  ],
  [
    'hides-its-cause',
    [
      root,
      child({ end: 60n * MS, attributes: { 'quorate.execution': '1.0', 'quorate.turn': 2 } }),
      span('caused', {
        parentSpanId: 'root',
        start: 50n * MS,
        attributes: { 'quorate.execution': '2.0', 'quorate.turn': 3 },
      }),
    ],
  ],
  [
    'several-traces',
    [
      span('a', { attributes: { 'quorate.actor': 'review/1' } }),
      span('aa', { parentSpanId: 'a', attributes: { 'quorate.actor': 'review/1' } }),
      span('b', { traceId: 'u', attributes: { 'quorate.actor': 'review/1' } }),
      span('bb', { traceId: 'u', parentSpanId: 'b' }),
    ],
  ],
  [
    'task-not-waited-for',
    [
      span('root', { kind: OTLP_KIND.producer }),
      child({ kind: OTLP_KIND.consumer, attributes: { 'quorate.execution': 'x' } }),
    ],
  ],
])('finds %s', (rule, spans) => {
  expect(rules(...spans)).toEqual([rule]);
});

it('lets what nobody waits for begin and end later, with all below it', () => {
  const producer = span('root', { kind: OTLP_KIND.producer, attributes: { 'quorate.outcome': 'missing' } });
  const late = child({
    kind: OTLP_KIND.consumer,
    start: 500n * MS,
    end: 501n * MS,
    attributes: { 'quorate.execution': '1.0' },
  });
  expect(
    rules(producer, late, span('call', { parentSpanId: 'child', start: 500n * MS, end: 502n * MS })),
  ).toEqual([]);
});

it('lets an actor outlive a waiter that gave up', () => {
  const attributes = { 'error.type': 'RESULT_TIMEOUT' };
  const waiter = span('root', { kind: OTLP_KIND.client, failed: true, message: 'why', attributes });
  expect(rules(waiter, child({ end: 200n * MS }))).toEqual([]);
});

it('lets an actor stand without a waiter that died, as long as it says that it has started', () => {
  const actor = span('a', { name: 'actor x', parentSpanId: 'gone' });
  const started = span('b', { name: 'actor x started', parentSpanId: 'a' });
  const sent = span('sent', { parentSpanId: 'gone' });
  const batch = span('batch', { parentSpanId: 'a', links: [{ traceId: 't', spanId: 'gone' }] });
  expect(rules(actor, started, sent, batch)).toEqual([]);
  expect(rules(actor)).toContain('unresolved-parent');
});

it('allows spans of other libraries the whole ms that their SDK stamps, and other hosts what NTP leaves', () => {
  expect(rules(root, child({ scope: 'other', end: 101n * MS }))).toEqual([]);
  expect(rules(root, child({ host: 'there', end: 105n * MS }))).toEqual([]);
});

it("lets a client's call, and what came late, be traces of their own that link to the actor", () => {
  const attributes = { 'quorate.actor': 'review/1' };
  const spans = [span('a', { attributes }), span('aa', { parentSpanId: 'a', attributes })];
  const link = [{ traceId: 't', spanId: 'a' }];
  const call = span('call', { traceId: 'u', kind: OTLP_KIND.client, attributes, links: link });
  const late = span('late', { traceId: 'v', kind: OTLP_KIND.consumer, attributes, links: link });
  expect(rules(...spans, call, late)).toEqual([]);
});

it('asks a gather for no more than the documented 100 links', () => {
  const replies = Array.from({ length: 100 }, (_, n) => span(`r${n}`, { parentSpanId: 'root' }));
  const attributes = { 'quorate.gather.ok': 500 };
  const gather = (links: FlatSpan[]) => child({ name: 'gather x', attributes, links });
  expect(rules(root, ...replies, gather(replies))).toEqual([]);
  expect(rules(root, ...replies, gather(replies.slice(1)))).toEqual(['gather-links-missing']);
});

describe('the critical path, as Jaeger computes it', () => {
  const path = (...spans: FlatSpan[]): string[] =>
    criticalPath([root, ...spans])
      .toReversed()
      .map(({ span: { name }, start, end }) => `${name} ${start / MS}-${end / MS}`);
  const part = (name: string, start: bigint, end: bigint, over: Partial<FlatSpan> = {}): FlatSpan =>
    span(name, { parentSpanId: 'root', start: start * MS, end: end * MS, ...over });

  it('has both of two tasks that follow each other, and loses the first where stamps are shared', () => {
    const before = part('a', 0n, 50n, { end: 50n * MS - 1_000n });
    expect(path(before, part('b', 50n, 100n))).toEqual(['a 0-49', 'root 49-50', 'b 50-100']);
    expect(path(part('a', 0n, 50n), part('b', 50n, 100n))).toEqual(['root 0-50', 'b 50-100']);
  });

  it('follows the last of several, and cuts what ends outside its parent', () => {
    expect(path(part('a', 0n, 40n), part('b', 0n, 120n))).toEqual(['b 0-100']);
  });

  it('leaves out what nobody waits for', () => {
    const producer = part('a', 0n, 100n, { kind: OTLP_KIND.producer });
    const consumer = span('c', {
      parentSpanId: 'a',
      kind: OTLP_KIND.consumer,
      start: 10n * MS,
      end: 90n * MS,
    });
    expect(path(producer, consumer)).toEqual(['a 0-100']);
  });

  it('is nothing without a root', () => {
    expect(criticalPath([child()])).toEqual([]);
  });
});
