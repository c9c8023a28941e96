// Words and numbers as people read them: ages, money, sizes, state values. Nothing longer than 2 KB is drawn in a list.
import type { Json } from '../../../contract/json.ts';
import { MOST_COUNTED } from '../../protocol.ts';

const MOST_IN_LIST = 2_000;
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** `3 min`, `2 h 5 min`: the two largest units, and ms below a second. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [name, size] = UNITS[at] ?? UNITS[3];
  const next = UNITS[at + 1];
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[1]);
  return `${Math.floor(ms / size)} ${name}${rest === 0 || next === undefined ? '' : ` ${rest} ${next[0]}`}`;
}

export function money(microUsd: number): string {
  if (microUsd === 0) return '–';
  return microUsd < 10_000 ? `$${(microUsd / 1e6).toFixed(4)}` : `$${(microUsd / 1e6).toFixed(2)}`;
}

export function bytes(size: number): string {
  if (size < 1_024) return `${size} B`;
  return size < 1_048_576 ? `${(size / 1_024).toFixed(1)} KB` : `${(size / 1_048_576).toFixed(1)} MB`;
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** The index counts no further than MOST_COUNTED. */
export function counted(count: number): string {
  return count >= MOST_COUNTED ? `${number(MOST_COUNTED)}+` : number(count);
}

export function shorten(text: string, most = MOST_IN_LIST): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** `working › gathering, plan › asking`. */
export function stateText(value: Json | undefined): string {
  return leaves(value).join(', ');
}

function leaves(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const below = leaves(inner);
    return below.length === 0 ? [key] : below.map((leaf) => `${key} › ${leaf}`);
  });
}

/** ISO time in UTC without the day where that is today's. */
export function clock(at: number, now: number): string {
  const [day = '', time = ''] = new Date(at).toISOString().split('T');
  return day === new Date(now).toISOString().slice(0, 10) ? time.slice(0, 12) : `${day} ${time.slice(0, 8)}`;
}

/** As a POSIX shell takes it. */
export function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}
