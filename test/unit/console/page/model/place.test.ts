import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  filterParams,
  type Place,
  readPlace,
  SHOWN,
  SORTS,
  START,
  VIEWS,
  writePlace,
} from '../../../../../src/console/page/model/place.ts';

const text = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }).filter((one) => one.isWellFormed());
const time = fc.integer({ min: 0, max: 2e12 });
const filter = fc.record(
  {
    type: text,
    state: text,
    tenant: text,
    root: text,
    text,
    since: time,
    until: time,
    shown: fc.subarray([...SHOWN], { minLength: 1 }),
  },
  { requiredKeys: [] },
);
const places = fc.record(
  {
    view: fc.constantFrom(...VIEWS.map(([name]) => name)),
    filter,
    sort: fc.constantFrom(...SORTS),
    tree: fc.boolean(),
    by: fc.constantFrom('type', 'tenant', 'run'),
    actor: text,
    turn: time,
    letter: time,
  },
  { requiredKeys: ['view', 'filter', 'sort', 'tree', 'by'] },
) as fc.Arbitrary<Place>;

describe('a place', () => {
  it('is the same when its address is read', () => {
    // With an actor alone the view is that of actors, so that short addresses do.
    const kept = places.filter(({ view, actor }) => actor === undefined || view !== START.view);
    fc.assert(
      fc.property(kept, (place) => {
        expect(readPlace(writePlace(place))).toEqual(place);
      }),
    );
  });

  it('has an empty query at the start', () => {
    expect(writePlace(START)).toBe('');
    expect(readPlace('')).toEqual(START);
  });

  it('leaves out what it does not understand', () => {
    expect(readPlace('view=nothing&sort=x&turn=-1&shown=lost&shown=error')).toEqual({
      ...START,
      filter: { shown: ['error'] },
    });
    expect(readPlace('actor=order/7').view).toBe('actors');
  });

  it('asks for each status by itself', () => {
    expect(filterParams({ shown: ['error', 'done'], type: 'a' })).toEqual([
      ['shown', 'error'],
      ['shown', 'done'],
      ['type', 'a'],
    ]);
  });
});
