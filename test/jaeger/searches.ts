// The searches that docs/observability.md names, each as it would be typed, for what the check has run. A row of the page without one
// here fails the check, and the other way round.
import type { JaegerSpan, Search } from './jaeger.ts';

interface Documented extends Search {
  /** What is wrong with what was found, if anything. */
  readonly judge: (spans: readonly JaegerSpan[]) => string | undefined;
}

const has =
  (what: string, is: (span: JaegerSpan) => boolean): Documented['judge'] =>
  (spans) =>
    spans.some(is) ? undefined : `finds no ${what}`;

/** By the first cell of its row. */
export const SEARCHES: Readonly<Record<string, Documented>> = {
  '`quorate.actor=review/<id>`': {
    tags: { 'quorate.actor': 'chain/done' },
    judge: (spans) =>
      ['actor chain', 'task reading', 'process agent.work'].find((name) =>
        spans.every((span) => span.name !== name),
      ),
  },
  'Operation `actor review started`': {
    operation: 'actor gathering started',
    judge: (spans) => {
      const begun = spans.filter(({ name }) => name === 'actor gathering started');
      const ended = new Set(
        spans.filter(({ name }) => name === 'actor gathering').map(({ spanId }) => spanId),
      );
      const open = begun.filter(({ parentSpanId }) => !ended.has(parentSpanId ?? ''));
      const [one, ...others] = open.map(({ attributes }) => attributes['quorate.actor']);
      return one === 'gathering/open' && others.length === 0
        ? undefined
        : `says that ${open.length} are open`;
    },
  },
  "Operation `scatter scatter started` (the invoke's id)": {
    operation: 'scatter reviews started',
    judge: has(
      'scatter with its branches, agents and deadline',
      ({ name, attributes }) =>
        name === 'scatter reviews started' &&
        attributes['quorate.gather.total'] === 2 &&
        attributes['quorate.agents'] === 'work' &&
        /^\d{4}-/.test(String(attributes['quorate.deadline'])),
    ),
  },
  '`quorate.agent=secrets quorate.outcome=error`': {
    tags: { 'quorate.agent': 'work', 'quorate.outcome': 'error' },
    judge: has(
      'failed attempt',
      ({ name, failed, message }) => name === 'process agent.work' && failed && message !== '',
    ),
  },
  '`quorate.gather.complete=false`': {
    tags: { 'quorate.gather.complete': 'false' },
    judge: has(
      'gather without everybody',
      ({ attributes }) => Number(attributes['quorate.gather.missing']) > 0,
    ),
  },
  '`quorate.outcome=failed`': {
    tags: { 'quorate.outcome': 'failed' },
    judge: has('failed gather', ({ name, failed }) => name === 'gather reviews' && failed),
  },
  '`gen_ai.request.model=gpt-5`': {
    tags: { 'gen_ai.request.model': 'gpt-5' },
    judge: has(
      'attempt with tokens and cost',
      ({ attributes }) =>
        attributes['gen_ai.usage.input_tokens'] === 1_000 && attributes['quorate.usage.micro_usd'] === 2_000,
    ),
  },
  '`error.type=AGENT_TIMEOUT`': {
    tags: { 'error.type': 'AGENT_TIMEOUT' },
    judge: has(
      'attempt that ran out of time',
      ({ attributes }) => attributes['error.type'] === 'AGENT_TIMEOUT',
    ),
  },
};

/** First cells of the table of searches. */
export function documented(page: string): string[] {
  const [, after = ''] = page.split('| tags | finds |\n');
  const [table = ''] = after.split('\n\n');
  return table
    .split('\n')
    .filter((row) => row.startsWith('| `') || row.startsWith('| Operation'))
    .map((row) => row.split(' | ')[0]?.slice(2) ?? '');
}
