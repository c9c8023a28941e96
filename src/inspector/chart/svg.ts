// Geometry to SVG, and the colours of a chart. The drawing itself knows none: it has classes and `data-` attributes, which the
// page toggles.
import type { Geometry, PlacedEdge, PlacedState } from './chart-model.ts';
import { shorten, textWidth } from './labels.ts';
import { FONT, guardText, headerHeight, LINE, MAX_LABEL, MAX_NOTE, PADDING } from './measure.ts';

const CORNER = 10;
const BEND = 6;

export function toSvg({ width, height, states, dots, edges }: Geometry): string {
  const size = `width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" ${size} role="img" aria-label="State chart">`,
    `<style>${CHART_STYLE}</style>`,
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse">',
    '<path class="head" d="M0 1 L9 5 L0 9 Z"/></marker></defs>',
    ...states.map(drawState),
    ...edges.map(drawLine),
    ...dots.map(
      ({ x, y, width: w }) =>
        `<circle class="initial" cx="${round(x + w / 2)}" cy="${round(y + w / 2)}" r="${w / 2}"/>`,
    ),
    ...edges.map(drawLabel),
    '</svg>',
  ].join('\n');
}

function drawState({ state, depth, x, y, width, height }: PlacedState): string {
  const { path, name, kind, notes, tags } = state;
  const rect = (inset: number, className: string): string =>
    `<rect class="${className}" x="${round(x + inset)}" y="${round(y + inset)}" width="${round(width - 2 * inset)}" height="${round(height - 2 * inset)}" rx="${CORNER - inset}"/>`;
  const compound = state.children.length > 0;
  const nameY = y + PADDING + FONT.name;
  const text = (content: string, lineY: number, className: string, size: number, limit: number): string =>
    `<text class="${className}" x="${round(x + PADDING)}" y="${round(lineY)}" font-size="${size}">${titled(content, limit)}</text>`;
  return [
    `<g class="state ${kind} depth-${Math.min(depth, 4)}" data-path="${escape(path)}">`,
    rect(0, 'box'),
    ...(kind === 'final' ? [rect(4, 'inner')] : []),
    ...(compound ? [headerLine(x, y + headerHeight(state), width)] : []),
    text(kind === 'history' ? `${name} (history)` : name, nameY, 'name', FONT.name, MAX_LABEL),
    ...notes.map((note, n) =>
      text(note, nameY + 5 + (n + 1) * LINE.note, noteClass(note), FONT.note, MAX_NOTE),
    ),
    ...drawTags(tags, x + PADDING, nameY + 12 + notes.length * LINE.note),
    '</g>',
  ].join('');
}

function headerLine(x: number, y: number, width: number): string {
  return `<path class="rule" d="M${round(x)} ${round(y)} h${round(width)}"/>`;
}

function noteClass(note: string): string {
  return note.startsWith('⚙') ? 'note invoke' : 'note';
}

function drawTags(tags: readonly string[], left: number, top: number): string[] {
  let x = left;
  return tags.map((tag) => {
    const width = textWidth(tag, FONT.note) + 12;
    const drawn = `<g class="tag"><rect x="${round(x)}" y="${round(top)}" width="${width}" height="17" rx="8.5"/><text x="${round(x + 6)}" y="${round(top + 12.5)}" font-size="11">${escape(tag)}</text></g>`;
    x += width + 6;
    return drawn;
  });
}

function edgeData({ edge }: PlacedEdge): string {
  if (edge === undefined) return 'class="edge start"';
  return `class="edge" data-source="${escape(edge.source)}" data-target="${escape(edge.target)}" data-event="${escape(edge.event)}"`;
}

function drawLine(placed: PlacedEdge): string {
  return `<g ${edgeData(placed)}><path class="line" d="${smooth(placed.points)}" marker-end="url(#arrow)"/></g>`;
}

function drawLabel(placed: PlacedEdge): string {
  const { edge, label } = placed;
  if (edge === undefined || label === undefined) return '';
  const middle = round(label.x + label.width / 2);
  const lineY = (line: number): number => round(label.y + LINE.label * (line + 1) - 2);
  const guard =
    edge.guard === undefined
      ? ''
      : `<text class="guard" x="${middle}" y="${lineY(1)}" font-size="${FONT.label}" text-anchor="middle">${escape(guardText(edge.guard))}</text>`;
  return [
    `<g ${edgeData(placed)}>`,
    `<rect class="pill" x="${round(label.x)}" y="${round(label.y)}" width="${round(label.width)}" height="${round(label.height)}" rx="6"/>`,
    `<text class="event" x="${middle}" y="${lineY(0)}" font-size="${FONT.label}" text-anchor="middle">${titled(edge.label, MAX_LABEL)}</text>`,
    `${guard}</g>`,
  ].join('');
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Right angles with a small round corner. */
function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const parts = [`M${at(first)}`];
  rest.forEach((point, n) => {
    const before = points[n];
    const after = rest[n + 1];
    if (before === undefined || after === undefined) parts.push(`L${at(point)}`);
    else parts.push(`L${at(towards(point, before))} Q${at(point)} ${at(towards(point, after))}`);
  });
  return parts.join(' ');
}

function towards(from: Point, to: Point): Point {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  const part = distance === 0 ? 0 : Math.min(BEND, distance / 2) / distance;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

function at({ x, y }: Point): string {
  return `${round(x)} ${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function titled(text: string, limit: number): string {
  const short = shorten(text, limit);
  return short === text ? escape(text) : `<title>${escape(text)}</title>${escape(short)}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Names come from users' machines: text, never markup. Control characters are not allowed in XML at all. */
export function escape(text: string): string {
  return text
    .replace(/\p{Cc}|[\ufffe\uffff]/gu, ' ')
    .replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
}

// Colours of a chart: inside the SVG, so that it can be opened alone, and in the page's style sheet.
export const CHART_STYLE = `
.chart { --ink: #1c2330; --soft: #5b6577; --line: #8b95a7; --box: #ffffff; --nest: #f5f7fa; --edge-bg: #ffffff;
  --lit: #0b7a4b; --lit-bg: #e2f6ec; --lit-soft: #f0faf5; --last: #b45309; --invoke: #5b3fc4; --tag: #e8ecf3;
  font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { .chart { --ink: #e8ecf3; --soft: #a2adbf; --line: #6c7789; --box: #1d2430;
  --nest: #171d27; --edge-bg: #12171f; --lit: #4cd699; --lit-bg: #123c2b; --lit-soft: #15271f; --last: #f5a524;
  --invoke: #b4a0ff; --tag: #2b3444; } }
.chart text { fill: var(--ink); }
.chart .box { fill: var(--box); stroke: var(--line); stroke-width: 1.25; }
.chart .compound > .box, .chart .parallel > .box { fill: var(--nest); }
.chart .depth-0 > .box { fill: none; stroke-opacity: .6; }
.chart .parallel > .box { stroke-dasharray: 6 4; }
.chart .inner { fill: none; stroke: var(--line); }
.chart .history > .box { stroke-dasharray: 2 3; }
.chart .rule { stroke: var(--line); stroke-opacity: .35; fill: none; }
.chart .name { font-weight: 600; }
.chart .note { fill: var(--soft); }
.chart .invoke { fill: var(--invoke); }
.chart .tag rect { fill: var(--tag); }
.chart .line { fill: none; stroke: var(--line); stroke-width: 1.5; }
.chart .head { fill: context-stroke; stroke: none; }
.chart .initial { fill: var(--line); }
.chart .pill { fill: var(--edge-bg); stroke: var(--line); stroke-opacity: .35; }
.chart .guard { fill: var(--soft); }
.chart .state.active > .box { stroke: var(--lit); stroke-width: 2; }
.chart .state.active.compound > .box, .chart .state.active.parallel > .box { fill: var(--lit-soft); }
.chart .state.active.depth-0 > .box { fill: none; }
.chart .state.current > .box { fill: var(--lit-bg); stroke: var(--lit); stroke-width: 2.5; }
.chart .state.current > .inner { stroke: var(--lit); }
.chart .state.active > .name { fill: var(--lit); }
.chart .edge.open .line { stroke: var(--soft); stroke-width: 1.75; }
.chart .edge.last .line { stroke: var(--last); stroke-width: 2.25; }
.chart .edge.last .pill { stroke: var(--last); stroke-opacity: 1; }
.chart .edge.last .event { fill: var(--last); }
`;
