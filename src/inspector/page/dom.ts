// Elements with attributes and children; text is always text, never markup.
export const DOM_SCRIPT = String.raw`
/** Element with attributes and children; text is always text. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Changes the text only when it differs, so that nothing is announced or selected anew. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Scrolls the container as far as the element needs, and never the page. */
export function reveal(container, element) {
  if (!element) return;
  const [outer, inner] = [container.getBoundingClientRect(), element.getBoundingClientRect()];
  const need = (low, high, from, to) => (low < from ? low - from : high > to ? Math.min(high - to, low - from) : 0);
  container.scrollTop += need(inner.top - 16, inner.bottom + 16, outer.top, outer.bottom);
  container.scrollLeft += need(inner.left - 16, inner.right + 16, outer.left, outer.right);
}

/** Calls fn at most once a frame, and for a fifth of the time at most: thousands of actors leave the page usable. */
export function oncePerFrame(fn) {
  let asked = false;
  let restUntil = 0;
  const run = () => {
    asked = false;
    const started = performance.now();
    fn();
    const ended = performance.now();
    restUntil = ended + 4 * (ended - started);
  };
  return () => {
    if (asked) return;
    asked = true;
    const rest = restUntil - performance.now();
    if (rest > 16) setTimeout(() => requestAnimationFrame(run), rest);
    else requestAnimationFrame(run);
  };
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hour12: false });

export function clock(at) {
  return CLOCK.format(at);
}

export function ago(at, now) {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 2) return 'now';
  if (seconds < 60) return seconds + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
  if (seconds < 86400) return Math.floor(seconds / 3600) + ' h';
  return Math.floor(seconds / 86400) + ' d';
}

/** Leaves of a state value, as text: "findings › gathering". */
export function leaves(value) {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const below = leaves(inner);
    return below.length === 0 ? [key] : below.map((leaf) => key + ' › ' + leaf);
  });
}

/** The innermost states alone: "gathering". */
export function leafNames(value) {
  return leaves(value).map((leaf) => leaf.slice(leaf.lastIndexOf('›') + 1).trim());
}

/** Paths of all active states as the drawing names them, the root ('') first; and those with nothing below. */
export function activePaths(value) {
  const active = new Set(['']);
  const current = new Set();
  const walk = (inner, prefix) => {
    if (typeof inner === 'string') {
      add(prefix, inner, true);
      return;
    }
    for (const [key, below] of Object.entries(inner ?? {})) {
      const leaf = typeof below !== 'string' && Object.keys(below ?? {}).length === 0;
      walk(below, add(prefix, key, leaf));
    }
  };
  const add = (prefix, key, leaf) => {
    const path = prefix === '' ? encodeURIComponent(key) : prefix + '/' + encodeURIComponent(key);
    active.add(path);
    if (leaf) current.add(path);
    return path;
  };
  walk(value, '');
  return { active, current };
}
`;
