import { describe, expect, it } from 'vitest';
import { type Edge, pathsOf, takenEdges } from '../../../../../src/console/page/model/lit.ts';

const edge = (source: string, event: string, target: string): Edge => ({ source, event, target });
const EDGES = [
  edge('idle', 'GO', 'checking'),
  edge('checking', '', 'ok'),
  edge('checking', '', 'bad'),
  edge('ok', 'GO', 'idle'),
  edge('', 'STOP', 'bad'),
  edge('work', 'NEXT', 'work/b'),
  edge('work/a', '', 'ok'),
];
const taken = (before: string | undefined, event: string, after: string): number[] =>
  [...takenEdges(EDGES, { before, event, after })].toSorted((a, b) => a - b);

describe('what a chart lights', () => {
  it('is each state with those around it, the innermost as current', () => {
    const { active, current } = pathsOf({ work: { left: 'a b', right: {} } });
    expect([...active]).toEqual(['', 'work', 'work/left', 'work/left/a%20b', 'work/right']);
    expect([...current]).toEqual(['work/left/a%20b', 'work/right']);
  });

  it('is the transition and the always that followed it, and no other', () => {
    expect(taken('idle', 'GO', 'ok')).toEqual([0, 1]);
    expect(taken('idle', 'GO', 'bad')).toEqual([0, 2]);
  });

  it('is one transition where nothing followed', () => {
    expect(taken('ok', 'GO', 'idle')).toEqual([3]);
    expect(taken('idle', 'STOP', 'bad')).toEqual([4]);
  });

  it('is the always alone at the start and after an event without a target', () => {
    expect(taken('checking', 'TICK', 'ok')).toEqual([1]);
    expect(taken(undefined, 'xstate.init', 'ok')).toContain(1);
  });

  it('is nothing for an event that no edge has', () => expect(taken('idle', 'TICK', 'idle')).toEqual([]));

  it('ends where always transitions run in a circle', () => {
    const circle = [edge('a', 'GO', 'b'), edge('b', '', 'c'), edge('c', '', 'b')];
    expect([...takenEdges(circle, { before: 'a', event: 'GO', after: 'd' })]).toEqual([]);
  });
});
