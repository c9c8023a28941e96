import { expect, it } from 'vitest';
import { nearest } from '../../../src/common/nearest.ts';

it.each([
  ['NAMESPCE', 'NAMESPACE'],
  ['NAMEPSACE', 'NAMESPACE'],
  ['NAME_SPACE', 'NAMESPACE'],
  ['DATE', 'DATA'],
  ['COLOUR', undefined],
])('the nearest to %s is %s', (name, near) => {
  expect(nearest(name, ['NAMESPACE', 'DATA', 'PREFIX'])).toBe(near);
});
