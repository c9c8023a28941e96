import { describe, expect, it } from 'vitest';
import { checkActorId, checkEvent } from '../../../src/contract/border.ts';

describe('an actor id', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['empty', ''],
    ['too long', 'x'.repeat(129)],
    ['with a line break', 'a\nb'],
    ['with a tab', 'a\tb'],
    ['with a null character', 'a\0'],
    ['with a control character of Latin-1', 'a\u0085b'],
    ['with a line separator', 'a\u2028b'],
    ['with half of a character', 'a\ud83d'],
  ])('that is %s is refused', (_name, id) => {
    expect(() => checkActorId(id, 'order')).toThrow(
      expect.objectContaining({ code: 'ACTOR_ID_INVALID', message: expect.stringMatching(/^order: /) }),
    );
  });

  it.each(['1', 'x'.repeat(128), 'a/b c', 'größe', '😀', 'src/a.ts#3'])('may be %s', (id) => {
    expect(checkActorId(id, 'order')).toBe(id);
  });
});

describe('an event', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'ADD'],
    ['a list', [{ type: 'ADD' }]],
    ['without a type', { by: 1 }],
    ['of an empty type', { type: '' }],
    ['of a type that is a number', { type: 1 }],
    ['of a type too long', { type: 'x'.repeat(257) }],
    ["of one of XState's own types", { type: 'xstate.done.actor.x' }],
    ["of one of Quorate's own types", { type: 'quorate.gathered' }],
  ])('that is %s is refused', (_name, event) => {
    expect(() => checkEvent(event, 'order/1')).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining('order/1: event') }),
    );
  });

  it('is taken otherwise', () => {
    expect(checkEvent({ type: 'ADD', by: 1, note: undefined }, 'order/1')).toEqual({ type: 'ADD', by: 1 });
  });
});
