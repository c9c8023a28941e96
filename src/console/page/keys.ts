// Keys that work everywhere. Single letters do nothing while a field has the focus, or with a modifier, so that no typing and no shortcut of the
// browser is taken away.

import type { ViewName } from './model/place.ts';
import { Help } from './parts/help.tsx';
import { dialog, go, open, place } from './state.ts';

const VIEW_KEYS: Readonly<Record<string, ViewName>> = {
  n: 'attention',
  a: 'actors',
  m: 'machines',
  p: 'processes',
  d: 'letters',
  q: 'questions',
  c: 'costs',
};
const CHORD_MS = 1_000;
let chordUntil = 0;

export function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (dialog.peek() !== undefined || isField(event.target)) return;
  const { key } = event;
  if (key === 'Escape') return leave();
  const isChord = event.timeStamp < chordUntil;
  chordUntil = 0;
  const view = isChord ? VIEW_KEYS[key] : undefined;
  if (view !== undefined) open({ view });
  else if (key === 'g') chordUntil = event.timeStamp + CHORD_MS;
  else if (key === '?') dialog.value = Help;
  else if (key === '/') search();
  else if (key === 'j' || key === 'k') step(key === 'j' ? 1 : -1);
  else return;
  event.preventDefault();
}

/** From an actor to the list it was opened from; from a list to all of it. */
function leave(): void {
  const { actor, letter, turn: _, ...rest } = place.peek();
  if (actor !== undefined || letter !== undefined) open(rest);
  else if (Object.keys(rest.filter).length > 0) go({ filter: {} });
}

function search(): void {
  const field = document.querySelector<HTMLInputElement>('input[type=search]');
  if (field !== null) return field.focus();
  open({ view: 'actors' });
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>('input[type=search]')?.focus());
}

/** To the next or the last item of the list of this view. */
function step(by: 1 | -1): void {
  const grid = document.querySelector<HTMLElement>('[data-keys=grid]');
  if (grid !== null && !grid.contains(document.activeElement)) return grid.focus();
  if (grid !== null)
    return void grid.dispatchEvent(
      new KeyboardEvent('keydown', { key: by === 1 ? 'ArrowDown' : 'ArrowUp', bubbles: true }),
    );
  const items = [...document.querySelectorAll<HTMLElement>('[data-keys=item]')];
  const at = items.findIndex((item) => item === document.activeElement);
  items[at === -1 ? 0 : Math.min(items.length - 1, Math.max(0, at + by))]?.focus();
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement ||
      (target instanceof HTMLInputElement && target.type !== 'range' && target.type !== 'checkbox'))
  );
}
