// The page's list of actors: its groups, its filter and its rows.
export const LIST_SCRIPT = String.raw`
import { ago, byId, h, leaves, leafNames, reveal, setText } from './dom.js';

const MAX_ROWS = 300;
const BY_NAME = new Intl.Collator(undefined, { numeric: true });

/** The list of actors, grouped by type, newest first. Rows are kept and moved, so that focus stays where it is. */
export function createList({ model, onSelect }) {
  const list = byId('list');
  const search = byId('search');
  const type = byId('type');
  const status = byId('status');
  const rows = new Map();
  let revealed;

  const matches = (actor) => {
    if (type.value !== '' && actor.type !== type.value) return false;
    if (status.value !== '' && actor.snapshot.status !== status.value) return false;
    const text = search.value.trim().toLowerCase();
    return text === '' || (actor.id + ' ' + leaves(actor.snapshot.value).join(' ')).toLowerCase().includes(text);
  };
  const rowOf = (actor) => {
    const found = rows.get(actor.id);
    if (found) return found;
    const parts = { dot: h('i', { class: 'dot' }), key: h('span', { class: 'key' }, actor.key), state: h('span', { class: 'where' }), age: h('span', { class: 'age' }) };
    const button = h('button', { type: 'button', class: 'actor', 'data-id': actor.id, title: actor.id, onclick: () => onSelect(actor.id) }, parts.dot, parts.key, parts.age, parts.state);
    const row = { button, parts };
    rows.set(actor.id, row);
    return row;
  };
  const fill = ({ button, parts }, actor, selected, now) => {
    const { status: is, value } = actor.snapshot;
    parts.dot.className = 'dot ' + is;
    setText(parts.state, (is === 'active' ? '' : is + ' · ') + leafNames(value).join(', '));
    setText(parts.age, ago(actor.changedAt, now));
    if (actor.id === selected) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  };
  const fillTypes = () => {
    const names = [...new Set([...model.actors.values()].map((actor) => actor.type))].sort();
    const have = [...type.options].slice(1).map((option) => option.value);
    if (names.join() === have.join()) return;
    const chosen = type.value;
    type.replaceChildren(h('option', { value: '' }, 'All types'), ...names.map((name) => h('option', { value: name }, name)));
    type.value = names.includes(chosen) ? chosen : '';
  };

  const render = (selected) => {
    const now = Date.now();
    fillTypes();
    // What was started from outside comes first: types with root actors, then the types of children.
    const rootTypes = new Set([...model.actors.values()].filter((actor) => !actor.parentId).map((actor) => actor.type));
    const rank = (actor) => (rootTypes.has(actor.type) ? 0 : 1);
    const all = [...model.actors.values()].filter(matches).sort((a, b) => rank(a) - rank(b) || BY_NAME.compare(a.type, b.type) || b.createdAt - a.createdAt || BY_NAME.compare(a.id, b.id));
    const shown = all.slice(0, MAX_ROWS);
    const counts = Map.groupBy(all, (actor) => actor.type);
    const ids = new Set(shown.map((actor) => actor.id));
    const wanted = [];
    let group;
    for (const actor of shown) {
      if (actor.type !== group) {
        group = actor.type;
        wanted.push(heading(group, counts.get(group).length));
      }
      const row = rowOf(actor);
      fill(row, actor, selected, now);
      wanted.push(row.button);
    }
    arrange(wanted);
    if (selected !== revealed) {
      revealed = selected;
      reveal(list, rows.get(selected)?.button);
    }
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    const hidden = all.length - shown.length;
    const more = byId('more');
    more.hidden = all.length > 0 && hidden === 0;
    setText(more, all.length === 0 ? (model.actors.size === 0 ? 'Nothing to list yet.' : 'No actor matches the filter.') : hidden + ' more; narrow the filter to see them.');
  };
  const headings = new Map();
  const heading = (name, count) => {
    const found = headings.get(name) ?? h('h3', {}, h('span', {}, name), h('b', {}));
    headings.set(name, found);
    setText(found.lastChild, String(count));
    return found;
  };
  /** Moves nodes into order without touching those that are in place already. */
  const arrange = (wanted) => {
    let at = list.firstChild;
    for (const node of wanted) {
      if (node === at) at = at.nextSibling;
      else list.insertBefore(node, at);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  list.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    const target = event.key === 'Home' ? buttons[0] : event.key === 'End' ? buttons.at(-1) : step && buttons[at + step];
    if (!target) return;
    event.preventDefault();
    target.focus();
  });
  search.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown') return;
    event.preventDefault();
    list.querySelector('button')?.focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || /input|select|textarea/i.test(document.activeElement?.tagName ?? '')) return;
    event.preventDefault();
    search.focus();
  });
  return { render, onFilter: (fn) => [search, type, status].forEach((field) => field.addEventListener('input', fn)) };
}
`;
