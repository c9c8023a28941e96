// JSON as a tree that opens where it is clicked; what is closed is not made.
export const TREE_SCRIPT = String.raw`
import { h } from './dom.js';

const MAX_ITEMS = 200;

function summary(value) {
  if (Array.isArray(value)) return '[' + value.length + ']';
  const keys = Object.keys(value);
  const shown = keys.slice(0, 4).join(', ');
  return '{' + shown + (keys.length > 4 ? ', …' : '') + '}';
}

function leaf(value) {
  const type = value === null ? 'null' : typeof value;
  return h('span', { class: 'v ' + type }, type === 'string' ? JSON.stringify(value) : String(value));
}

/**
 * JSON as a tree that opens where it is clicked; what is closed is not made. "open" keeps which paths are open, so
 * that a new value of the same shape shows the same places.
 */
export function tree(value, open, path, name) {
  const label = name === undefined ? undefined : h('span', { class: 'n' }, name, ': ');
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    const shown = typeof value === 'object' && value !== null ? h('span', { class: 'v null' }, Array.isArray(value) ? '[]' : '{}') : leaf(value);
    return h('div', { class: 'leaf' }, label, shown);
  }
  const body = h('div', { class: 'inner' });
  const fill = () => {
    if (body.childNodes.length > 0) return;
    const entries = Object.entries(value);
    body.append(...entries.slice(0, MAX_ITEMS).map(([key, item]) => tree(item, open, path + '/' + key, key)));
    if (entries.length > MAX_ITEMS) body.append(h('div', { class: 'leaf soft' }, '… ' + (entries.length - MAX_ITEMS) + ' more'));
  };
  const details = h('details', { open: open.has(path) }, h('summary', {}, label, h('span', { class: 'soft' }, summary(value))), body);
  if (details.open) fill();
  details.addEventListener('toggle', () => {
    if (details.open) {
      open.add(path);
      fill();
    } else open.delete(path);
  });
  return details;
}
`;
