import { expect, it } from 'vitest';
import { type Act, formatPlace, Recorder } from '../../../src/testing/places.ts';

const act: Act = { step: 'before-write', where: 'order/o', lock: { entity: 'actor.order', session: 'o' } };

it('counts each place by what is done and by whom', () => {
  const recorder = new Recorder();
  void recorder.at(act);
  void recorder.at({ ...act, where: 'order/p' });
  void recorder.at(act);
  expect(recorder.places.map(formatPlace)).toEqual([
    'before-write of order/o #1',
    'before-write of order/p #1',
    'before-write of order/o #2',
  ]);
  expect(recorder.places[0]).toMatchObject({ locked: true, repeatable: false });
});

it('strikes once, at its target alone', () => {
  const recorder = new Recorder({
    step: 'before-write',
    where: 'order/o',
    nth: 2,
    locked: true,
    repeatable: false,
  });
  const struck: Act[] = [];
  recorder.onTarget((at) => {
    struck.push(at);
    return undefined;
  });
  void recorder.at(act);
  expect(recorder.struck).toBe(false);
  void recorder.at(act);
  void recorder.at(act);
  expect(struck).toEqual([act]);
  expect(recorder.struck).toBe(true);
});

it('takes no notice of what follows its end', () => {
  const recorder = new Recorder();
  recorder.close();
  void recorder.at(act);
  expect(recorder.places).toEqual([]);
  expect(recorder.moves).toBe(1);
});
