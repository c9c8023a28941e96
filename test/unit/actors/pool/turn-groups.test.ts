import { describe, expect, it } from 'vitest';
import { createTurnGroups, type Groupable, toRequest } from '../../../../src/actors/pool/turn-groups.ts';
import { refOf, turnRequest } from '../worker/harness.ts';

const counter = refOf('counter', 'counter');
const turn = (alone = false): Groupable => ({ request: turnRequest(counter), signal: undefined, alone });
const describing: Groupable = {
  request: { kind: 'describe', machine: counter },
  signal: undefined,
  alone: false,
};
const queueOf = (count: number): Groupable[] => Array.from({ length: count }, () => turn());

describe('groups of turns', () => {
  it('are shared among the free threads', () => {
    const groups = createTurnGroups();
    const queue = queueOf(10);
    expect([groups.take(queue, 2), groups.take(queue, 1), queue]).toMatchObject([
      { length: 5 },
      { length: 5 },
      { length: 0 },
    ]);
  });

  it('are bounded', () => {
    expect(createTurnGroups().take(queueOf(1_000), 1)).toHaveLength(32);
  });

  it('shrink to one while turns take long, and grow again', () => {
    const groups = createTurnGroups();
    for (let time = 0; time < 50; time++) groups.took(1, 20);
    expect(groups.take(queueOf(100), 1)).toHaveLength(1);
    for (let time = 0; time < 50; time++) groups.took(1, 0.01);
    expect(groups.take(queueOf(100), 1)).toHaveLength(32);
  });

  it('take in nothing but turns, and none that is to run alone', () => {
    const groups = createTurnGroups();
    const queue = [turn(), turn(), describing, turn(), turn(true), turn()];
    const sizes = Array.from({ length: 5 }, () => groups.take(queue, 1).length);
    expect(sizes).toEqual([2, 1, 1, 1, 1]);
    expect(queue).toHaveLength(0);
  });

  it('say how long they took, also one by itself; what runs alone goes as it is', () => {
    expect(toRequest([turn()])).toMatchObject({ kind: 'turns', requests: { length: 1 } });
    expect(toRequest(queueOf(3))).toMatchObject({ kind: 'turns', requests: { length: 3 } });
    expect(toRequest([turn(true)])).toMatchObject({ kind: 'turn' });
    expect(toRequest([describing])).toMatchObject({ kind: 'describe' });
  });
});
