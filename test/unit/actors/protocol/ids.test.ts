import { expect, it } from 'vitest';
import { inLife, ofThisLife, withoutLife } from '../../../../src/actors/protocol/ids.ts';

const [life, next] = ['6f1c2d3e-0000', '9a8b7c6d-0000'] as const;
const timer = (token: string) => ({ kind: 'timer', token }) as const;

it('marks a number with its life, and gives it back bare to that life alone', () => {
  const marked = timer(inLife('3.1', life));
  expect(ofThisLife(marked, life)).toEqual(timer('3.1'));
  expect(ofThisLife(marked, next)).toBeUndefined();
  expect(withoutLife(marked.token)).toBe('3.1');
});

it('takes what has no mark or no number as it is', () => {
  expect(ofThisLife(timer('3.1'), life)).toEqual(timer('3.1'));
  expect(ofThisLife(timer(`expire#${life}`), next)).toEqual(timer(`expire#${life}`));
  expect(ofThisLife({ kind: 'stop' }, life)).toEqual({ kind: 'stop' });
});
