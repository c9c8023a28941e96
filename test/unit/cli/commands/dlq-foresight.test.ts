import { expect, it } from 'vitest';
import { describeForesight, ForesightSum } from '../../../../src/cli/commands/dlq-foresight.ts';
import type { Foresight } from '../../../../src/contract/foresight.ts';

const effects = [
  { kind: 'task', to: 'scan', count: 2, bytes: 1_340 },
  { kind: 'timer', count: 1, bytes: 0 },
];
const error = { code: 'MACHINE_THREW', message: 'no\n  price' };
const task = { agent: 'scan', awaited: true } as const;

const LINES: readonly (readonly [Foresight, string])[] = [
  [
    { would: 'apply', status: 'active', value: { a: 'b' }, turn: 2, effects },
    'would be taken, then in {"a":"b"}; 2 x task for scan (1,340 B), timer',
  ],
  [
    { would: 'apply', status: 'done', value: 'end', turn: 2, effects: [], starts: true },
    'would start its actor, then done; nothing leaves',
  ],
  [
    { would: 'apply', status: 'error', value: 'a', turn: 2, effects: [], failure: error },
    'would end its actor in error: MACHINE_THREW: no price',
  ],
  [{ would: 'fail', error }, 'would fail again: MACHINE_THREW: no price'],
  [{ would: 'drop', why: 'it came before' }, 'would be dropped: it came before'],
  [{ would: 'wait', why: 'it stands still' }, 'would wait: it stands still'],
  [
    { would: 'run', ...task, mayCost: { tokens: 4_100, usd: 0.0421 } },
    'would run scan again: its answer is awaited; at most 4,100 tokens, 0.042100 USD an attempt',
  ],
  [
    { would: 'run', agent: 'scan', awaited: false, why: 'it is gone', cancelled: true },
    'would run scan again: nobody waits for its answer (it is gone), cancelled',
  ],
  [
    { would: 'answer', ...task },
    'would send the stored answer of scan, nothing is paid again: its answer is awaited',
  ],
  [{ would: 'act', action: 'mail' }, 'would run action mail again'],
  [{ would: 'unknown', why: 'it depends', after: 7 }, 'cannot be known: it depends (after letter 7)'],
];

it.each(LINES)('says it in a line: %j', (foresight, line) => {
  expect(describeForesight(foresight)).toBe(line);
});

it('adds up what they come to, and what that may cost', () => {
  const sum = new ForesightSum();
  expect(String(sum)).toMatch(/^nothing matches/);
  for (const [number, [foresight]] of LINES.entries())
    sum.add({ number, outcome: 'would-redrive', foresight });
  sum.add({ number: 99, outcome: 'gone' });
  expect(String(sum)).toBe(
    '3 would be taken, 1 would fail again, 1 would be dropped, 1 would wait, 2 would run again, ' +
      '1 would be answered from the store, 1 would run an action again, 1 cannot be known, 1 gone; ' +
      'at most 4,100 tokens, 0.042100 USD with one attempt each, without a price for 1',
  );
});
