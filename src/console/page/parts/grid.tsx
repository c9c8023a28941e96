// A list of any length as an ARIA grid: only the rows in sight are drawn, each of one height. One tab stop; arrows, Page Up and Down, Home and
// End move, Enter opens.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

const BEYOND = 8;

export interface Column<T> {
  readonly name: string;
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
}

export interface GridProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  /** Of the whole list, also rows that are not here yet. */
  readonly count: number;
  readonly columns: readonly Column<T>[];
  readonly rowHeight: number;
  readonly keyOf: (row: T) => string;
  readonly onOpen: (row: T) => void;
  /** The end comes into sight. */
  readonly onEnd: () => void;
}

export function Grid<T>({ label, rows, count, columns, rowHeight, keyOf, onOpen, onEnd }: GridProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const chosen = useSignal<string | undefined>(undefined);
  const first = Math.max(0, Math.floor(top.value / rowHeight) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((top.value + height.value) / rowHeight) + BEYOND);
  const at = rows.findIndex((row) => keyOf(row) === chosen.value);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - BEYOND && rows.length < count) onEnd();
  }, [last, rows.length, count]);

  const choose = (index: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (row === undefined) return;
    chosen.value = keyOf(row);
    const element = box.current;
    if (element === null) return;
    const start = Math.max(0, Math.min(rows.length - 1, index)) * rowHeight;
    const sight = element.clientHeight - rowHeight;
    if (start < element.scrollTop) element.scrollTop = start;
    else if (start + rowHeight > element.scrollTop + sight) element.scrollTop = start + rowHeight - sight;
  };
  const page = Math.max(1, Math.floor(height.value / rowHeight) - 2);
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    j: at + 1,
    k: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: rows.length - 1,
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = moves[event.key];
    const row = rows[at];
    if (target !== undefined) choose(target);
    else if (event.key === 'Enter' && row !== undefined) onOpen(row);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={box}
      class="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={count + 1}
      aria-colcount={columns.length}
      aria-activedescendant={at >= first && at < last ? `row-${at}` : undefined}
      tabIndex={0}
      data-keys="grid"
      onKeyDown={onKeyDown}
      onFocus={() => {
        if (at === -1) choose(first === 0 ? 0 : first + BEYOND);
      }}
      onScroll={({ currentTarget }) => {
        top.value = currentTarget.scrollTop;
      }}
    >
      <div class="grid-row grid-head" role="row" aria-rowindex={1}>
        {columns.map(({ name, title }) => (
          <span key={name} role="columnheader" class={`col-${name}`}>
            {title}
          </span>
        ))}
      </div>
      <div class="grid-body" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(first, last).map((row, n) => {
          const index = first + n;
          const key = keyOf(row);
          return (
            // The grid has the keys for it.
            <div
              key={key}
              id={`row-${index}`}
              class="grid-row"
              role="row"
              aria-rowindex={index + 2}
              aria-selected={index === at}
              style={{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
              onClick={() => {
                chosen.value = key;
                onOpen(row);
              }}
            >
              {columns.map(({ name, cell }) => (
                <span key={name} role="gridcell" class={`col-${name}`}>
                  {cell(row)}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
