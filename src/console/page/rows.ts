// The rows of the list as far as they were asked for. Those that are shown are brought up to date where they stand; the order, and rows that came
// meanwhile, wait until somebody asks for them.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ActorPage, ActorRow } from '../protocol.ts';
import { get } from './api.ts';
import { changes } from './live.ts';
import { plural } from './model/text.ts';
import { announce } from './state.ts';

const PAGE = 200;
const REFRESH_MS = 1_000;

interface Kept {
  readonly query: string;
  readonly rows: readonly ActorRow[];
  readonly after: string | undefined;
  readonly count: number;
  readonly isLoading: boolean;
  readonly error: unknown;
  /** The first page as it is now. */
  readonly newest: ActorPage | undefined;
}

export interface Rows extends Pick<Kept, 'rows' | 'count' | 'isLoading' | 'error'> {
  /** How many of the newest page are not shown. */
  readonly fresh: number;
  readonly adopt: () => void;
  readonly more: () => void;
}

const NOTHING: Kept = {
  query: '',
  rows: [],
  after: undefined,
  count: 0,
  isLoading: true,
  error: undefined,
  newest: undefined,
};

export function useRows(query: string): Rows {
  const kept = useSignal<Kept>(NOTHING);
  const wish = useRef<(() => void) | null>(null);
  const isBusy = useRef(false);

  const adopt = (page: ActorPage | undefined): void => {
    if (page === undefined) return;
    kept.value = {
      ...NOTHING,
      query,
      rows: page.rows,
      after: page.after,
      count: page.count,
      isLoading: false,
    };
  };
  const more = async (): Promise<void> => {
    const { after } = kept.peek();
    if (after === undefined || isBusy.current) return;
    isBusy.current = true;
    try {
      const page = await get<ActorPage>(`actors?${query}&limit=${PAGE}&after=${encodeURIComponent(after)}`);
      const { rows, query: of } = kept.peek();
      const known = new Set(rows.map(({ address }) => address));
      if (of === query)
        kept.value = {
          ...kept.peek(),
          rows: [...rows, ...page.rows.filter(({ address }) => !known.has(address))],
          after: page.after,
        };
    } catch (error) {
      kept.value = { ...kept.peek(), error };
    } finally {
      isBusy.current = false;
    }
  };

  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (isFirst: boolean): Promise<void> => {
      try {
        const page = await get<ActorPage>(`actors?${query}&limit=${PAGE}`, stop.signal);
        if (stop.signal.aborted) return;
        if (isFirst || kept.peek().rows.length === 0) adopt(page);
        else merge(page);
      } catch (error) {
        if (!stop.signal.aborted)
          kept.value = { ...(isFirst ? { ...NOTHING, query } : kept.peek()), isLoading: false, error };
      }
    };
    const merge = (page: ActorPage): void => {
      const before = kept.peek();
      const fresh = new Map(page.rows.map((row) => [row.address, row]));
      kept.value = {
        ...before,
        rows: before.rows.map((row) => fresh.get(row.address) ?? row),
        count: page.count,
        error: undefined,
        newest: page,
      };
      const count = freshIn(kept.peek());
      if (count > 0) announce(`${plural(count, 'new actor')} in the list`);
    };
    void ask(true);
    wish.current = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void ask(false);
      }, REFRESH_MS);
    };
    return () => {
      stop.abort();
      clearTimeout(timer);
      wish.current = null;
    };
  }, [query]);
  useSignalEffect(() => {
    if (changes.value.at > 0) wish.current?.();
  });

  const { rows, count, isLoading, error } = kept.value.query === query ? kept.value : NOTHING;
  return {
    rows,
    count,
    isLoading,
    error,
    fresh: freshIn(kept.value),
    adopt: () => adopt(kept.peek().newest),
    more: () => void more(),
  };
}

function freshIn({ rows, newest }: Kept): number {
  if (newest === undefined) return 0;
  const known = new Set(rows.map(({ address }) => address));
  return newest.rows.filter(({ address }) => !known.has(address)).length;
}
