import { expect, it } from 'vitest';
import { lintTrace, type Rule } from '../../../otel/lint.ts';
import { type FlatSpan, OTLP_KIND } from '../../../otel/otlp.ts';

const MS = 1_000_000n;

function span(spanId: string, over: Partial<FlatSpan> = {}): FlatSpan {
  return {
    traceId: 't',
    spanId,
    service: 'quorate',
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

it.each<[Rule, FlatSpan[]]>([
  ['unresolved-parent', [root, span('lost', { parentSpanId: 'gone' })]],
  ['unresolved-parent', [root, child({ traceId: 'other' })]],
  ['unlinked-root', [root, span('second')]],
  ['starts-after-parent', [root, child({ start: 106n * MS, end: 107n * MS })]],
  ['ends-before-start', [root, child({ start: 2n, end: 1n })]],
  ['too-many-links', [root, child({ links: Array.from({ length: 1_025 }, () => root) })]],
  ['cut-by-limits', [root, child({ dropped: 1 })]],
  ['unresolved-link', [root, child({ links: [{ traceId: 't', spanId: 'gone' }] })]],
  ['duplicate-id', [root, child(), child({ name: 'twin' })]],
  ['gather-links-missing', [root, child({ name: 'gather x', attributes: { 'quorate.gather.ok': 1 } })]],
  [
    'several-traces',
    [
      span('a', { attributes: { 'quorate.actor': 'review/1' } }),
      span('b', { traceId: 'u', attributes: { 'quorate.actor': 'review/1' } }),
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

it('lets what nobody waits for begin later', () => {
  const producer = span('root', { kind: OTLP_KIND.producer });
  expect(rules(producer, child({ kind: OTLP_KIND.consumer, start: 500n * MS, end: 501n * MS }))).toEqual([]);
});

it("lets a client's later call be a trace of its own", () => {
  const attributes = { 'quorate.actor': 'review/1' };
  const call = span('call', { traceId: 'u', kind: OTLP_KIND.client, attributes });
  expect(rules(span('a', { attributes }), call)).toEqual([]);
});

it('lets an episode be a root with a link', () => {
  expect(rules(root, span('second', { links: [root] }))).toEqual([]);
});

it('asks a gather for no more than the documented 128 links', () => {
  const replies = Array.from({ length: 128 }, (_, n) => span(`r${n}`, { parentSpanId: 'root' }));
  const attributes = { 'quorate.gather.ok': 500 };
  const gather = (links: FlatSpan[]) => child({ name: 'gather x', attributes, links });
  expect(rules(root, ...replies, gather(replies))).toEqual([]);
  expect(rules(root, ...replies, gather(replies.slice(1)))).toEqual(['gather-links-missing']);
});
