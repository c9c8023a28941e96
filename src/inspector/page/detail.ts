// The panel beside the drawing: what is known of the chosen actor, and its recent events.
export const DETAIL_SCRIPT = String.raw`
import { byId, clock, h, leafNames, setText } from './dom.js';
import { createStream } from './stream.js';
import { tree } from './tree.js';

const MAX_CHILDREN = 12;

/** Everything about the chosen actor beside its drawing. */
export function createDetail({ model, onSelect }) {
  const panel = byId('panel');
  const tabs = [...document.querySelectorAll('[role=tab]')];
  const open = new Set(['context', 'output', 'error', 'definition']);
  let tab = 'context';
  let actor;
  let drawn;

  /** Stays at the end where one looks at the end. */
  let isAtEnd = true;
  panel.addEventListener('scroll', () => {
    isAtEnd = panel.scrollTop + panel.clientHeight >= panel.scrollHeight - 24;
  });
  const stream = createStream({ onGrow: () => isAtEnd && (panel.scrollTop = panel.scrollHeight) });

  const actorLink = (id) => h('button', { type: 'button', class: 'chip', title: id, onclick: () => onSelect(id) }, h('i', { class: 'dot ' + (model.actors.get(id)?.snapshot.status ?? 'unknown') }), id);
  /** What it used, with all that it started. */
  const costs = (spent) => {
    if (!spent || spent.total.calls === 0) return [];
    const { calls, inputTokens, outputTokens, microUsd, unpricedCalls } = spent.total;
    const usd = unpricedCalls >= calls && microUsd === 0 ? [] : [(unpricedCalls > 0 ? '> ' : '') + '$' + (microUsd / 1e6).toFixed(6)];
    const parts = [calls + (calls === 1 ? ' call' : ' calls'), inputTokens + ' tokens in', outputTokens + ' out', ...usd];
    const title = spent.estimated.calls > 0 ? spent.estimated.calls + ' of the calls are estimated' : spent.final ? 'final' : 'so far';
    return [h('span', { class: 'costs', title }, parts.join(' · '))];
  };
  const renderHead = () => {
    const { status, tags } = actor.snapshot;
    setText(byId('title'), actor.id);
    byId('facts').replaceChildren(
      h('span', { class: 'pill ' + status }, status),
      h('span', {}, 'turn ' + (actor.turn ?? 0)),
      h('span', {}, 'changed ' + clock(actor.changedAt)),
      ...costs(actor.costs),
      ...(tags ?? []).map((tag) => h('span', { class: 'tag' }, tag)),
    );
    const children = model.childrenOf(actor.id);
    const family = [];
    if (actor.parentId) family.push(h('span', { class: 'soft' }, 'parent'), actorLink(actor.parentId));
    if (children.length > 0) {
      family.push(h('span', { class: 'soft' }, children.length === 1 ? 'child' : children.length + ' children'), ...children.slice(0, MAX_CHILDREN).map((child) => actorLink(child.id)));
      if (children.length > MAX_CHILDREN) family.push(h('span', { class: 'soft' }, 'and ' + (children.length - MAX_CHILDREN) + ' more'));
    }
    const key = family.map((node) => node.textContent + node.className + (node.firstChild?.className ?? '')).join('|');
    if (byId('family').dataset.key === key) return;
    byId('family').dataset.key = key;
    byId('family').replaceChildren(...family);
  };
  const eventRow = ({ at, event, value }) => {
    const { type, ...rest } = event;
    const head = [h('time', {}, clock(at)), h('b', {}, type), h('span', { class: 'soft' }, '→ ' + leafNames(value).join(', '))];
    if (Object.keys(rest).length === 0) return h('li', {}, h('div', { class: 'plain' }, ...head));
    const path = 'event/' + at + '/' + type;
    const details = h('details', { open: open.has(path) }, h('summary', {}, ...head));
    const fill = () => details.childNodes.length > 1 || details.append(...Object.entries(rest).map(([key, item]) => tree(item, open, path + '/' + key, key)));
    if (details.open) fill();
    details.addEventListener('toggle', () => {
      if (details.open) {
        open.add(path);
        fill();
      } else open.delete(path);
    });
    return h('li', {}, details);
  };
  const hint = (text) => [h('p', { class: 'soft pad' }, text)];
  const contents = () => {
    const { context, output, error } = actor.snapshot;
    if (tab === 'context') return context === undefined || (context !== null && Object.keys(context).length === 0) ? hint('The context is empty.') : [tree(context, open, 'context')];
    if (tab === 'output') {
      if (error !== undefined) return [tree(error, open, 'error')];
      if (output !== undefined) return [tree(output, open, 'output')];
      return hint(actor.snapshot.status === 'active' ? 'There is an output once the actor is done.' : 'It ended without an output.');
    }
    if (tab === 'stream') return [stream.element];
    if (tab === 'definition') return [tree(JSON.parse(actor.definition), open, 'definition')];
    if (actor.events.length === 0) return hint('No event since this process hosts the actor.');
    return [h('ol', { class: 'events' }, ...actor.events.toReversed().map(eventRow))];
  };
  const keyOf = () => {
    if (tab === 'events') return actor.id + tab + actor.events.length + '/' + (actor.events.at(-1)?.at ?? '') + '/' + actor.turn;
    if (tab === 'definition') return tab + actor.definition;
    if (tab === 'stream') return tab;
    const { context, output, error, status } = actor.snapshot;
    return actor.id + tab + JSON.stringify(tab === 'context' ? context : [output, error, status]);
  };
  const renderPanel = () => {
    stream.show(tab === 'stream' ? actor.id : undefined);
    const key = keyOf();
    if (key === drawn) return;
    drawn = key;
    const top = panel.scrollTop;
    panel.replaceChildren(...contents());
    panel.scrollTop = top;
  };
  const choose = (name) => {
    tab = name;
    for (const button of tabs) {
      const chosen = button.dataset.tab === name;
      button.setAttribute('aria-selected', String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      if (chosen) panel.setAttribute('aria-labelledby', button.id);
    }
    if (actor) renderPanel();
  };
  for (const button of tabs) {
    button.addEventListener('click', () => choose(button.dataset.tab));
    button.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs.at((tabs.indexOf(button) + step) % tabs.length);
      choose(next.dataset.tab);
      next.focus();
    });
  }
  choose('context');
  return {
    show(next) {
      actor = next;
      for (const button of tabs) {
        if (button.dataset.tab === 'output') setText(button, actor.snapshot.error === undefined ? 'Output' : 'Error');
        if (button.dataset.tab === 'events') setText(button, actor.events.length === 0 ? 'Events' : 'Events ' + actor.events.length);
      }
      renderHead();
      renderPanel();
    },
  };
}
`;
