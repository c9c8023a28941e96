// The statechart of the chosen actor. Until somebody zooms it is no smaller than its labels can be read; a larger
// drawing scrolls.
export const CHART_SCRIPT = String.raw`
import { activePaths, byId, h, leaves, reveal, setText } from './dom.js';

/** Until somebody chooses, no smaller than labels can be read; a larger drawing scrolls. */
const READABLE = 0.85;
const SMALLEST = 0.25;
const LARGEST = 2;

/** The drawing of one machine at a time; laid out by the server, here only classes change. */
export function createChart() {
  const canvas = byId('canvas');
  const drawings = new Map();
  let shown;
  let svg;
  let zoom = 'readable';
  let request = 0;

  const natural = () => ({ width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height });
  const fitting = () => {
    const { width, height } = natural();
    return Math.min((canvas.clientWidth - 34) / width, (canvas.clientHeight - 34) / height, 1.15);
  };
  const scaleOf = () => {
    if (typeof zoom === 'number') return zoom;
    return zoom === 'fit' ? fitting() : Math.max(READABLE, fitting());
  };
  const resize = () => {
    if (!svg) return;
    const scale = scaleOf();
    const { width, height } = natural();
    svg.setAttribute('width', String(width * scale));
    svg.setAttribute('height', String(height * scale));
  };
  const setZoom = (next) => {
    zoom = next === 'fit' ? 'fit' : Math.min(LARGEST, Math.max(SMALLEST, next));
    resize();
  };
  const load = async (actor) => {
    const response = await fetch('/machines/' + encodeURIComponent(actor.type) + '.svg?actor=' + encodeURIComponent(actor.id));
    if (!response.ok) throw new Error(await response.text());
    // Its own style is for opening it alone; here the style sheet has it.
    const text = (await response.text()).replace(/<style>[^]*?<.style>/, '');
    return document.importNode(new DOMParser().parseFromString(text, 'image/svg+xml').documentElement, true);
  };
  const show = async (actor) => {
    if (shown === actor.definition && svg) return light(actor);
    shown = actor.definition;
    svg = undefined;
    request += 1;
    const mine = request;
    canvas.replaceChildren(h('p', { class: 'soft' }, 'Drawing …'));
    try {
      const drawn = drawings.get(actor.definition) ?? (await load(actor));
      if (mine !== request) return;
      drawings.set(actor.definition, drawn);
      svg = drawn;
      canvas.replaceChildren(svg);
      resize();
      light(latest ?? actor);
      reveal(canvas, svg.querySelector('.current'));
    } catch (error) {
      if (mine !== request) return;
      shown = undefined;
      canvas.replaceChildren(h('p', { class: 'soft' }, 'No drawing: ' + error.message));
    }
  };

  let latest;
  const light = (actor) => {
    const where = leaves(actor.snapshot.value).join('   ·   ');
    const moved = where !== byId('where').textContent;
    setText(byId('where'), where);
    if (!svg) return;
    const { active, current } = activePaths(actor.snapshot.value);
    const last = actor.events.at(-1);
    const before = activePaths(actor.events.at(-2)?.value ?? {}).active;
    for (const state of svg.querySelectorAll('.state')) {
      state.classList.toggle('active', active.has(state.dataset.path));
      state.classList.toggle('current', current.has(state.dataset.path));
    }
    for (const edge of svg.querySelectorAll('.edge[data-event]')) {
      const { source, target, event } = edge.dataset;
      edge.classList.toggle('open', actor.snapshot.status === 'active' && active.has(source));
      const taken = last !== undefined && last.event.type === event && active.has(target);
      edge.classList.toggle('last', taken && (before.size <= 1 || before.has(source)));
    }
    if (moved) reveal(canvas, svg.querySelector('.current'));
  };

  byId('zoom-in').addEventListener('click', () => svg && setZoom(scaleOf() * 1.25));
  byId('zoom-out').addEventListener('click', () => svg && setZoom(scaleOf() / 1.25));
  byId('zoom-fit').addEventListener('click', () => setZoom('fit'));
  new ResizeObserver(resize).observe(canvas);
  return {
    show(actor) {
      latest = actor;
      void show(actor);
    },
  };
}
`;
