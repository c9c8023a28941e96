import { array, assert, pre, property, uuid } from 'fast-check';
import { expect, it } from 'vitest';
import { inLife } from '../../../../src/actors/protocol/ids.ts';
import {
  childLineage,
  executionMark,
  lifeMark,
  MAX_ANCESTORS,
  marksIn,
  marksOfWork,
} from '../../../../src/actors/protocol/lineage.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';

const incarnation = uuid();
const work = (id: string, execution: string, lineage?: string) =>
  marksOfWork(
    inbound(
      'task',
      {},
      {
        replyTo: 'actor.m',
        replyToSessionId: id,
        properties: lineage === undefined ? {} : { [PROPERTY.lineage]: lineage },
      },
    ),
    execution,
  );

it('a task has the marks of its asking and of its asker’s life, and no other life or asking has', () => {
  assert(
    property(incarnation, incarnation, (life, other) => {
      pre(life.slice(0, 8) !== other.slice(0, 8));
      const marks = work('1', inLife('3.0', life));
      expect(marks).toEqual([executionMark('m/1', life, '3.0'), lifeMark('m/1', life)]);
      for (const foreign of [
        lifeMark('m/1', other),
        lifeMark('m/2', life),
        executionMark('m/1', other, '3.0'),
        executionMark('m/1', life, '3.1'),
        executionMark('m/2', life, '3.0'),
      ])
        expect(marks).not.toContain(foreign);
    }),
  );
});

it('a task of a descendant has the marks of all above it, up to a depth', () => {
  assert(
    property(array(incarnation, { minLength: 1, maxLength: 14 }), (lives) => {
      let lineage: string | undefined;
      for (const [depth, life] of lives.entries())
        lineage = childLineage({ actor: `m/${depth}`, incarnation: life, lineage }, '1.0');
      const marks = work('leaf', '9.9~abcdefgh', lineage);
      const above = lives.map((life, depth) => [
        lifeMark(`m/${depth}`, life),
        executionMark(`m/${depth}`, life, '1.0'),
      ]);
      for (const level of above.slice(-MAX_ANCESTORS))
        for (const mark of level) expect(marks).toContain(mark);
      expect(marks.length).toBe(2 + 2 * Math.min(lives.length, MAX_ANCESTORS));
    }),
  );
});

it.each([
  ['no text', 7],
  ['a text of its own', 'abc def'],
  ['too many', Array.from({ length: 100 }, () => 'm'.repeat(22)).join(' ')],
  ['other characters', `${'m'.repeat(21)}/`],
])('%s as a lineage harms nothing', (_name, lineage) => {
  const marks = marksIn(lineage);
  expect(marks.length).toBeLessThanOrEqual(2 * MAX_ANCESTORS);
  expect(marks.every((mark) => /^[\w-]{22}$/.test(mark))).toBe(true);
});

it('what no actor asked for has no marks, and what an earlier release asked for those of its asking', () => {
  expect(marksOfWork(inbound('task', {}, { replyTo: 'replies', replyToSessionId: 'c' }), '1.0')).toEqual([]);
  expect(marksOfWork(inbound('task', {}), '1.0')).toEqual([]);
  expect(work('1', '1.0')).toHaveLength(1);
});

it.each([
  ['is done in any case', { [PROPERTY.cancel]: 'ignore' }],
  ['a person has sent again', { [PROPERTY.redriven]: 17 }],
])('what %s has no marks', (_name, properties) => {
  const asked = { replyTo: 'actor.m', replyToSessionId: '1', properties };
  expect(marksOfWork(inbound('task', {}, asked), '1.0~abcdefgh')).toEqual([]);
});
