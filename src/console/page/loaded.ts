// Something that a view asks of the server: read when it is first shown and when its path changes, again when rows have changed, at most once
// in a while, and never two at a time.
import { type Signal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Changes } from '../protocol.ts';
import { get } from './api.ts';
import { changes } from './live.ts';
import { connection } from './state.ts';

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: unknown;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

interface Kept<T> {
  readonly path: string | undefined;
  readonly value: T | undefined;
  readonly error: unknown;
  readonly isLoading: boolean;
}

/**
 * `path` undefined: nothing is asked. `again` says whether a change matters; between two reads at least `everyMs` pass. A failed read leaves
 * the value of before.
 */
export function useLoaded<T>(
  path: string | undefined,
  {
    again = () => true,
    everyMs = 1_000,
  }: { readonly again?: (told: Changes) => boolean; readonly everyMs?: number } = {},
): Loaded<T> {
  const kept: Signal<Kept<T>> = useSignal<Kept<T>>({
    path: undefined,
    value: undefined,
    error: undefined,
    isLoading: true,
  });
  const worker = useRef<{ ask: () => void; wish: () => void } | null>(null);
  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    let isBusy = false;
    let isWished = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      if (isBusy) {
        isWished = true;
        return;
      }
      isBusy = true;
      isWished = false;
      try {
        const value = await get<T>(path, stop.signal);
        if (!stop.signal.aborted) kept.value = { path, value, error: undefined, isLoading: false };
      } catch (error) {
        if (!stop.signal.aborted)
          kept.value = { path, value: ofPath(kept.peek(), path), error, isLoading: false };
      }
      isBusy = false;
      if (isWished) wish();
    };
    const wish = (): void => {
      isWished = true;
      if (stop.signal.aborted) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        void ask();
      }, everyMs);
    };
    worker.current = { ask: () => void ask(), wish };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
      worker.current = null;
    };
  }, [path]);
  useSignalEffect(() => {
    const told = changes.value;
    if (connection.value === 'live' && told.at > 0 && again(told)) worker.current?.wish();
  });
  const { value, error, isLoading } = kept.value;
  const isOther = kept.value.path !== path;
  return {
    value: isOther ? undefined : value,
    error: isOther ? undefined : error,
    isLoading: isOther || isLoading,
    reload: () => worker.current?.ask(),
  };
}

function ofPath<T>(kept: Kept<T>, path: string): T | undefined {
  return kept.path === path ? kept.value : undefined;
}

/** Whether rows of these addresses may have changed. */
export function touches(addresses: readonly string[]): (told: Changes) => boolean {
  return (told) => told.more || told.addresses.some((address) => addresses.includes(address));
}
