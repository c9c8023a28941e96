// The list of actors: filtered by what the address says, in an order that stays until somebody asks for the new one.
import type { ActorRow } from '../../protocol.ts';
import { filterParams } from '../model/place.ts';
import { counted, duration, money, shorten, stateText } from '../model/text.ts';
import { flat, type TreeRow, treeOf } from '../model/tree.ts';
import { waitText } from '../model/waits.ts';
import { Filters } from '../parts/filters.tsx';
import { type Column, Grid } from '../parts/grid.tsx';
import { Empty, Problem } from '../parts/notes.tsx';
import { Status } from '../parts/status.tsx';
import { useRows } from '../rows.ts';
import { go, now, place } from '../state.ts';

const ROW_HEIGHT = 40;
const MOST_SHOWN = 200;

const COLUMNS: readonly Column<TreeRow>[] = [
  { name: 'status', title: 'Status', cell: ({ row }) => <Status shown={row.shown} /> },
  { name: 'type', title: 'Type', cell: ({ row }) => row.type },
  {
    name: 'id',
    title: 'Id',
    cell: ({ row, depth }) => (
      <span class={`depth depth-${Math.min(depth, 6)}`} title={shorten(row.id, MOST_SHOWN)}>
        {depth > 0 ? '└ ' : ''}
        {shorten(row.id, MOST_SHOWN)}
      </span>
    ),
  },
  { name: 'state', title: 'State', cell: ({ row }) => shorten(stateText(row.value), MOST_SHOWN) },
  {
    name: 'age',
    title: 'Age',
    cell: ({ row }) => duration((row.endedAt ?? now.value) - row.startedAt),
  },
  { name: 'waits', title: 'Waits for', cell: ({ row }) => waitText(row, now.value) },
  { name: 'error', title: 'Error', cell: ({ row }) => <code>{row.code ?? ''}</code> },
  { name: 'cost', title: 'Cost', cell: ({ row }) => money(row.microUsd) },
  { name: 'tenant', title: 'Tenant', cell: ({ row }) => row.tenant ?? '' },
];

export function ActorsView() {
  const { filter, sort, tree } = place.value;
  const query = new URLSearchParams([
    ...filterParams(filter).map((pair) => [...pair]),
    ['sort', sort],
  ]).toString();
  const list = useRows(query);
  const rows = tree ? treeOf(list.rows) : flat(list.rows);
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <>
      <div class="row spread">
        <h1>
          Actors <span class="soft">{list.isLoading ? '' : counted(list.count)}</span>
        </h1>
        {list.fresh > 0 ? (
          <button type="button" class="primary" onClick={list.adopt}>
            {counted(list.fresh)} new
          </button>
        ) : null}
      </div>
      <Filters rows={list.rows} />
      <Problem error={list.error} />
      {rows.length === 0 && !list.isLoading && list.error === undefined ? (
        <Empty>
          {isFiltered ? (
            <>
              No actor fits this filter.{' '}
              <button type="button" class="link" onClick={() => go({ filter: {} })}>
                Show all
              </button>
            </>
          ) : (
            'No actor is known yet. One appears here as soon as it is started.'
          )}
        </Empty>
      ) : (
        <Grid
          label="Actors"
          rows={rows}
          count={Math.max(list.count, list.rows.length)}
          columns={COLUMNS}
          rowHeight={ROW_HEIGHT}
          keyOf={({ row }) => row.address}
          onOpen={({ row }) => openActor(row)}
          onEnd={list.more}
        />
      )}
    </>
  );
}

function openActor({ address }: ActorRow): void {
  go({ actor: address });
}
