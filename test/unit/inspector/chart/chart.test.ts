import elk from 'elkjs/lib/elk.bundled.js';
import { describe, expect, it } from 'vitest';
import { type ChartState, toChartModel } from '../../../../src/inspector/chart/chart-model.ts';
import { eventLabel, shorten, textWidth } from '../../../../src/inspector/chart/labels.ts';
import { layOut } from '../../../../src/inspector/chart/layout.ts';
import { createChartRenderer } from '../../../../src/inspector/chart/renderer.ts';
import { listStates } from '../../../../src/inspector/chart/state-list.ts';
import { escape, toSvg } from '../../../../src/inspector/chart/svg.ts';
import { SAMPLE } from '../../../kit/inspector-sample.ts';

const sample = toChartModel(Object(SAMPLE));
const flatten = (state: ChartState): ChartState[] => [state, ...state.children.flatMap(flatten)];
const stateAt = (path: string) => flatten(sample.root).find((state) => state.path === path);

describe('labels', () => {
  const invoked = [{ id: '0.review.a', src: 'scan' }];
  it.each([
    ['', 'always'],
    ['*', 'any event'],
    ['NEXT', 'NEXT'],
    ['xstate.after.1500.review.a', 'after 1.5 s'],
    ['xstate.after.60000.review.a', 'after 1 min'],
    ['xstate.after.250.review.a', 'after 250 ms'],
    ['xstate.after.backoff.review.a', 'after backoff'],
    ['xstate.done.state.review.b', 'done'],
    ['xstate.done.actor.0.review.a', 'done · scan'],
    ['xstate.error.actor.0.review.a', 'error · scan'],
    ['xstate.snapshot.0.review.a', 'snapshot · scan'],
    ['xstate.done.actor.other', 'done · other'],
  ])('%s reads "%s"', (type, label) => {
    expect(eventLabel(type, invoked, false)).toBe(label);
  });

  it('are measured wider when longer, and cut when too long', () => {
    expect(textWidth('iiii', 12)).toBeLessThan(textWidth('mmmm', 12));
    expect(shorten('abcdef', 4)).toBe('abc…');
    expect(shorten('abcd', 4)).toBe('abcd');
  });
});

describe('model', () => {
  it('has every state with its kind, and where a compound one starts', () => {
    expect(flatten(sample.root).map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      ' compound',
      'scanning atomic',
      'working parallel',
      'working/findings compound',
      'working/findings/gathering atomic',
      'working/findings/gathered final',
      'working/plan compound',
      'working/plan/asking atomic',
      'working/plan/agreed final',
      'done final',
      'failed atomic',
    ]);
    expect(sample.root.initial).toBe('scanning');
    expect(stateAt('working')?.initial).toBeUndefined();
  });

  it('notes what is invoked, what is done and what is handled inside, and not how "after" works', () => {
    expect(sample.root.notes).toEqual(['entry / note']);
    expect(stateAt('scanning')?.notes).toEqual(['⚙ scanFolder']);
    expect(stateAt('working/findings/gathering')?.notes).toEqual(['⚙ scatterFiles', 'on PROGRESS / count']);
    expect(stateAt('scanning')?.tags).toEqual(['busy']);
  });

  it('has every transition with its event, guard and target', () => {
    const lines = sample.edges.map(({ source, label, guard, target }) =>
      [source, label, guard ?? '', target].join(' | '),
    );
    expect(lines).toEqual([
      'scanning | done · scanFolder | hasFiles | working',
      'scanning | error · scanFolder |  | failed',
      'scanning | after 1 min |  | failed',
      'working | CANCEL |  | failed',
      'working | done |  | done',
      'working/findings/gathering | done · scatterFiles |  | working/findings/gathered',
      'working/plan/asking | proposal.accepted |  | working/plan/agreed',
      'working/plan/asking | proposal.refused ↻ | roundsLeft | working/plan/asking',
      'failed | RETRY |  | scanning',
    ]);
  });

  it('draws "always" and history, and encodes awkward keys', () => {
    const model = toChartModel({
      initial: 'a/b c',
      states: { 'a/b c': { always: 'x' }, x: { initial: 'y', states: { y: {}, h: { type: 'history' } } } },
    });
    expect(model.edges).toMatchObject([{ source: 'a%2Fb%20c', target: 'x', label: 'always' }]);
    expect(model.root.children[1]?.children[1]?.kind).toBe('history');
  });
});

describe('drawing', () => {
  it.each([
    ['a drawing', () => layOut(sample, elk)],
    ['a list', () => listStates(sample, 'hint')],
  ])('%s puts children inside their parents, and no two siblings over each other', async (_name, create) => {
    const { states, edges, width, height } = await create();
    expect(states).toHaveLength(11);
    const overlaps = (a: (typeof states)[number], b: (typeof states)[number]): boolean =>
      a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
    for (const outer of states) {
      const children = states.filter(({ state }) => outer.state.children.includes(state));
      for (const child of children) {
        expect(child.x).toBeGreaterThanOrEqual(outer.x);
        expect(child.y).toBeGreaterThan(outer.y);
        expect(child.x + child.width).toBeLessThanOrEqual(outer.x + outer.width);
        expect(child.y + child.height).toBeLessThanOrEqual(outer.y + outer.height);
        for (const other of children) expect(child !== other && overlaps(child, other)).toBe(false);
      }
    }
    for (const { points } of edges) {
      expect(points.length).toBeGreaterThan(1);
      for (const { x, y } of points) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(width);
        expect(y).toBeLessThanOrEqual(height);
      }
    }
  });

  it('lays no label over another or over a state without children', async () => {
    const { states, edges } = await layOut(sample, elk);
    const labels = edges.flatMap(({ label }) => (label === undefined ? [] : [label]));
    expect(labels).toHaveLength(9);
    const boxes = [...labels, ...states.filter(({ state }) => state.children.length === 0)];
    for (const [n, a] of labels.entries()) {
      for (const b of boxes.slice(n + 1)) {
        const apart =
          a.x >= b.x + b.width || b.x >= a.x + a.width || a.y >= b.y + b.height || b.y >= a.y + a.height;
        expect(apart).toBe(true);
      }
    }
  });

  it('names states and events for the page to find', async () => {
    const svg = toSvg(await layOut(sample, elk));
    expect(svg).toContain('data-path="working/plan/asking"');
    expect(svg).toContain('data-source="working" data-target="failed" data-event="CANCEL"');
  });

  it('lists what a drawing shows where nothing draws: every state, where it starts, every transition, and the hint', () => {
    const svg = toSvg(listStates(sample, 'npm install it'));
    for (const { path } of flatten(sample.root)) expect(svg).toContain(`data-path="${path}"`);
    expect(svg).toContain('>npm install it<');
    for (const line of [
      'starts in scanning',
      'done · scanFolder [hasFiles] → working',
      'after 1 min → failed',
      'CANCEL → failed',
      'RETRY → scanning',
      'proposal.accepted → agreed',
    ])
      expect(svg).toContain(`>${line}<`);
    const far = toChartModel({
      initial: 'a',
      states: { a: { initial: 'b', states: { b: { on: { X: '#far' } } } }, c: { id: 'far' } },
    });
    expect(toSvg(listStates(far, ''))).toContain('>X → c<');
  });

  it('makes text of every name', async () => {
    const svg = toSvg(
      await layOut(toChartModel({ initial: 'a', states: { a: { on: { '<img src=x>"\'&': 'a' } } } }), elk),
    );
    expect(svg).not.toContain('<img');
    expect(escape('<a href="x">&\u0000')).toBe('&lt;a href=&quot;x&quot;&gt;&amp; ');
  });
});

describe('renderer', () => {
  it('lays a definition out once, in a thread, and says why something cannot be drawn', async () => {
    const renderer = createChartRenderer();
    try {
      const [one, two] = [renderer.render(SAMPLE), renderer.render(structuredClone(SAMPLE))];
      expect(one).toBe(two);
      expect(await one).toContain('data-path="working"');
      expect(await renderer.render({ states: { a: { on: { X: 'gone' } } } })).toContain('cannot be drawn');
      expect(await renderer.render(null)).toContain('no definition');
    } finally {
      await renderer.close();
    }
  });
});
