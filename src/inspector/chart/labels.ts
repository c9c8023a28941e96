// How events read on an edge, and how wide text is without a browser to ask.

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;

interface Invoked {
  readonly id: string;
  readonly src: unknown;
}

/** XState's own event types say where they come from by id; people know the source's name. */
export function eventLabel(type: string, invoked: readonly Invoked[], reenters: boolean): string {
  const label = readable(type, invoked);
  return reenters ? `${label} ↻` : label;
}

function readable(type: string, invoked: readonly Invoked[]): string {
  if (type === '') return 'always';
  if (type === '*') return 'any event';
  const after = /^xstate\.after\.([^.]+)\./.exec(type)?.[1];
  if (after !== undefined) return `after ${duration(after)}`;
  if (type.startsWith('xstate.done.state.')) return 'done';
  const child = /^xstate\.(done|error|snapshot)\.(?:actor\.)?(.+)$/.exec(type);
  if (child === null) return type;
  const [, what, id] = child;
  const source = invoked.find((one) => one.id === id);
  const name = typeof source?.src === 'string' ? source.src : (id ?? '');
  return `${what} · ${name}`;
}

function duration(delay: string): string {
  const ms = Number(delay);
  if (!Number.isFinite(ms)) return delay;
  if (ms >= HOUR_MS && ms % HOUR_MS === 0) return `${ms / HOUR_MS} h`;
  if (ms >= MINUTE_MS && ms % MINUTE_MS === 0) return `${ms / MINUTE_MS} min`;
  return ms >= SECOND_MS ? `${ms / SECOND_MS} s` : `${ms} ms`;
}

/** Widths of a sans-serif face in em, by rough class; a little too wide is right, too narrow overlaps. */
const NARROW = /[iljtfrI.,:;'|!()[\] ·/]/;
const WIDE = /[mwMW@%⚙↻…]/;
const CAPITAL = /[A-Z0-9_&#]/;

export function textWidth(text: string, fontSize: number): number {
  let em = 0;
  for (const letter of text) {
    if (NARROW.test(letter)) em += 0.36;
    else if (WIDE.test(letter)) em += 0.95;
    else if (CAPITAL.test(letter)) em += 0.72;
    else em += letter.charCodeAt(0) > 0x2e7f ? 1.05 : 0.6;
  }
  return Math.ceil(em * fontSize);
}

/** Long names are cut in the drawing; the full text is in the element's title. */
export function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
