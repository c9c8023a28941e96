// The chart of a machine, drawn by the server and lit here: states that the actor is in, transitions that its last step took, or how many actors
// are in each state. It fits its box until somebody zooms.
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Json } from '../../../contract/json.ts';
import type { StateCount } from '../../protocol.ts';
import { call } from '../api.ts';
import { pathsOf, takenEdges } from '../model/lit.ts';
import { counted, stateText } from '../model/text.ts';
import { Problem } from './notes.tsx';

const SMALLEST = 0.2;
const LARGEST = 3;
/** A small chart is not blown up. */
const MOST_FITTED = 1.2;
/** A tall one is no smaller than this for its height: it scrolls. */
const READABLE = 0.65;
const ZOOM = 1.25;

export interface Light {
  readonly value: Json;
  readonly before?: Json | undefined;
  /** Type of the event of the step; absent: no transition is lit. */
  readonly event?: string | undefined;
}

interface ChartProps {
  readonly type: string;
  readonly version?: string | undefined;
  readonly light?: Light | undefined;
  readonly heat?: readonly StateCount[] | undefined;
}

export function Chart({ type, version, light, heat }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const svg = useSignal<SVGSVGElement | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const zoom = useSignal<number | 'fit'>('fit');
  const path = `types/${encodeURIComponent(type)}/chart.svg${version === undefined ? '' : `?version=${encodeURIComponent(version)}`}`;

  useEffect(() => {
    const stop = new AbortController();
    error.value = undefined;
    load(path, stop.signal).then(
      (drawn) => {
        svg.value = drawn;
      },
      (failure: unknown) => {
        if (!stop.signal.aborted) error.value = failure;
      },
    );
    return () => stop.abort();
  }, [path]);
  const drawn = svg.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || drawn === undefined) return;
    element.replaceChildren(drawn);
    const resize = (): void => scale(element, drawn, zoom.peek());
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    resize();
    return () => observer.disconnect();
  }, [drawn]);
  const chosen = zoom.value;
  useLayoutEffect(() => {
    if (box.current !== null && drawn !== undefined) scale(box.current, drawn, chosen);
  }, [drawn, chosen]);
  useLayoutEffect(() => {
    if (drawn === undefined) return;
    if (light !== undefined) lightUp(drawn, light);
    if (heat !== undefined) heatUp(drawn, heat);
  }, [drawn, light, heat]);

  const by = (factor: number) => () => {
    const now = box.current === null || drawn === undefined ? 1 : scaleOf(box.current, drawn, zoom.peek());
    zoom.value = Math.min(LARGEST, Math.max(SMALLEST, now * factor));
  };
  return (
    <section class="chart-box" aria-label={`Chart of ${type}`}>
      <div class="zoom" role="toolbar" aria-label="Zoom">
        <button type="button" class="quiet" aria-label="Smaller" onClick={by(1 / ZOOM)}>
          −
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            zoom.value = 'fit';
          }}
        >
          Fit
        </button>
        <button type="button" class="quiet" aria-label="Larger" onClick={by(ZOOM)}>
          +
        </button>
      </div>
      <Problem error={error.value} />
      {drawn === undefined && error.value === undefined ? <p class="soft">Drawing …</p> : null}
      <div ref={box} class="canvas" tabIndex={0} role="region" aria-label={labelOf(light, heat)} />
    </section>
  );
}

function labelOf(light: Light | undefined, heat: readonly StateCount[] | undefined): string {
  if (light !== undefined)
    return `In ${stateText(light.value) || 'no state'}${light.event === undefined ? '' : `, after ${light.event}`}`;
  const parts = (heat ?? []).map(({ value, count }) => `${count} in ${value}`);
  return `Living actors by state: ${parts.join(', ') || 'none'}`;
}

/** The style of a chart that stands alone is taken out: the page's own is in its style sheet, and its policy allows no other. */
async function load(path: string, signal: AbortSignal): Promise<SVGSVGElement> {
  const text = (await (await call(path, { signal })).text()).replace(/<style>[^]*?<\/style>/, '');
  const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml');
  return document.importNode(documentElement, true) as unknown as SVGSVGElement;
}

function scaleOf(box: HTMLElement, { viewBox }: SVGSVGElement, zoom: number | 'fit'): number {
  if (zoom !== 'fit') return zoom;
  const { width, height } = viewBox.baseVal;
  const most = Math.max(240, Number.parseFloat(getComputedStyle(box).maxHeight) || 520) - 24;
  return Math.min((box.clientWidth - 24) / width, Math.max(most / height, READABLE), MOST_FITTED);
}

function scale(box: HTMLElement, drawn: SVGSVGElement, zoom: number | 'fit'): void {
  const factor = Math.max(0.05, scaleOf(box, drawn, zoom));
  const { width, height } = drawn.viewBox.baseVal;
  drawn.setAttribute('width', String(width * factor));
  drawn.setAttribute('height', String(height * factor));
}

function lightUp(drawn: SVGSVGElement, { value, before, event }: Light): void {
  const { active, current } = pathsOf(value);
  for (const state of drawn.querySelectorAll<SVGElement>('.state')) {
    const path = state.dataset['path'] ?? '';
    state.classList.toggle('active', active.has(path));
    state.classList.toggle('current', current.has(path));
  }
  // A transition is drawn in two parts, its line and its label: both are lit.
  const parts = [...drawn.querySelectorAll<SVGElement>('.edge[data-event]')];
  const edges = parts.map(({ dataset: { source = '', target = '', event: of = '' } }) => ({
    source,
    target,
    event: of,
  }));
  const taken = event === undefined ? new Set<number>() : takenEdges(edges, { before, event, after: value });
  const lit = new Set([...taken].map((index) => keyOf(edges[index])));
  parts.forEach((part, index) => {
    part.classList.toggle('open', active.has(edges[index]?.source ?? ''));
    part.classList.toggle('last', lit.has(keyOf(edges[index])));
  });
  reveal(drawn);
}

/** Brings the current state into sight within the box alone. */
function reveal(drawn: SVGSVGElement): void {
  const box = drawn.parentElement;
  const state = drawn.querySelector('.current')?.getBoundingClientRect();
  if (box === null || state === undefined) return;
  const sight = box.getBoundingClientRect();
  if (state.top < sight.top || state.bottom > sight.bottom)
    box.scrollTop += state.top - sight.top - (sight.height - state.height) / 2;
  if (state.left < sight.left || state.right > sight.right)
    box.scrollLeft += state.left - sight.left - (sight.width - state.width) / 2;
}

function keyOf(edge: { source: string; target: string; event: string } | undefined): string {
  return edge === undefined ? '' : `${edge.source}\n${edge.target}\n${edge.event}`;
}

const STEPS = 5;

function heatUp(drawn: SVGSVGElement, heat: readonly StateCount[]): void {
  const counts = new Map<string, number>();
  for (const { value, count } of heat) {
    let read: Json;
    try {
      read = JSON.parse(value) as Json;
    } catch {
      read = value;
    }
    for (const path of pathsOf(read).current) counts.set(path, (counts.get(path) ?? 0) + count);
  }
  const most = Math.max(1, ...counts.values());
  for (const badge of drawn.querySelectorAll('.heat-count')) badge.remove();
  for (const state of drawn.querySelectorAll<SVGElement>('.state')) {
    const count = counts.get(state.dataset['path'] ?? '') ?? 0;
    for (let step = 1; step <= STEPS; step++)
      state.classList.toggle(
        `heat-${step}`,
        count > 0 && step === Math.max(1, Math.ceil((STEPS * count) / most)),
      );
    if (count > 0) addCount(state, count);
  }
}

function addCount(state: SVGElement, count: number): void {
  const rect = state.querySelector<SVGRectElement>('rect.box');
  if (rect === null) return;
  const text = document.createElementNS('http://www.w3.org/2000/svg', 'text');
  text.setAttribute('class', 'heat-count');
  text.setAttribute('x', String(rect.x.baseVal.value + rect.width.baseVal.value - 8));
  text.setAttribute('y', String(rect.y.baseVal.value + 16));
  text.setAttribute('text-anchor', 'end');
  text.setAttribute('font-size', '13');
  text.textContent = counted(count);
  state.append(text);
}
