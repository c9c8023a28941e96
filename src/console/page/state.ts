// What all views share: the place, who is looking, the connection, the theme, what is said to a screen reader, the open dialog.
import { computed, signal } from '@preact/signals';
import type { ComponentChild } from 'preact';
import type { Me } from '../protocol.ts';
import { type Place, readPlace, START, writePlace } from './model/place.ts';

export const place = signal<Place>(readPlace(location.search));
export const me = signal<Me | undefined>(undefined);
export const role = computed(() => me.value?.role ?? 'reader');
export const connection = signal<'connecting' | 'live' | 'lost'>('connecting');
export const dialog = signal<(() => ComponentChild) | undefined>(undefined);
/** Each second: ages move on by it. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1_000);

addEventListener('popstate', () => {
  place.value = readPlace(location.search);
});

/** Another view or actor is a step of the browser's history; a chosen turn or a filter replaces it. */
export function go(change: Partial<Place>, how: 'push' | 'replace' = 'push'): void {
  visit({ ...place.peek(), ...change }, how);
}

/** This place, and nothing of the one before. */
export function visit(next: Place, how: 'push' | 'replace' = 'push'): void {
  place.value = next;
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', hrefOf(next));
}

/** Into a view as it is at first, with this changed. */
export function open(change: Partial<Place>): void {
  visit(fresh(change));
}

export function fresh(change: Partial<Place>): Place {
  return { ...START, ...change };
}

export function hrefOf(target: Place): string {
  const query = writePlace(target);
  return query === '' ? location.pathname : `?${query}`;
}

const THEME = 'quorate-theme';
export type Theme = 'system' | 'light' | 'dark';
const kept = localStorage.getItem(THEME);
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system');
theme.subscribe((value) => {
  document.documentElement.dataset['theme'] = value;
  localStorage.setItem(THEME, value);
});

/** Said politely, and no more often than each five seconds: the last one wins. */
export const said = signal('');
const QUIET_MS = 5_000;
let saidAt = -QUIET_MS;
let waiting: number | undefined;
export function announce(text: string): void {
  clearTimeout(waiting);
  waiting = setTimeout(
    () => {
      saidAt = performance.now();
      said.value = text;
    },
    Math.max(0, saidAt + QUIET_MS - performance.now()),
  ) as unknown as number;
}
