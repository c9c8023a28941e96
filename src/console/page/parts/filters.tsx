// The filter of the list: chips by how actors are, the type and its states, a search, and views that were kept under a name. All of it stands
// in the address.
import { useSignal } from '@preact/signals';
import type { ActorFilter, ActorRow, Shown, StateCount, TypeSummary } from '../../protocol.ts';
import { failureText, send } from '../api.ts';
import { useLoaded } from '../loaded.ts';
import { readPlace, SHOWN, SORTS, type Sort, writePlace } from '../model/place.ts';
import { shorten, stateText } from '../model/text.ts';
import { announce, go, place, visit } from '../state.ts';

const LEAST_TEXT = 3;
const SORT_TEXT: Readonly<Record<Sort, string>> = {
  changed: 'Last change',
  started: 'Last start',
  age: 'Oldest',
  cost: 'Cost',
};
const REMOVABLE = ['tenant', 'version', 'code', 'root', 'parent', 'since', 'until'] as const;

function setFilter(change: { readonly [K in keyof ActorFilter]?: ActorFilter[K] | undefined }): void {
  const filter = Object.entries({ ...place.peek().filter, ...change }).filter(
    ([, value]) => value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  go({ filter: Object.fromEntries(filter) }, 'replace');
}

export function Filters({ rows }: { readonly rows: readonly ActorRow[] }) {
  const { filter, sort, tree } = place.value;
  return (
    <section class="filters" aria-label="Filter">
      <div class="row">
        <Search />
        <TypeChoice />
        <StateChoice />
        <label class="field">
          <span>Sort</span>
          <select
            value={sort}
            onChange={({ currentTarget }) => go({ sort: currentTarget.value as Sort }, 'replace')}
          >
            {SORTS.map((one) => (
              <option key={one} value={one}>
                {SORT_TEXT[one]}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input type="checkbox" checked={tree} onChange={() => go({ tree: !tree }, 'replace')} /> Tree
        </label>
      </div>
      <div class="chips" role="group" aria-label="Status">
        {SHOWN.map((one) => (
          <ShownChip key={one} shown={one} />
        ))}
        {REMOVABLE.map((name) =>
          filter[name] === undefined ? null : (
            <button
              key={name}
              type="button"
              class="chip"
              aria-label={`Remove the filter ${name}`}
              onClick={() => setFilter({ [name]: undefined })}
            >
              {name}: {chipText(name, filter[name])} <span aria-hidden="true">✕</span>
            </button>
          ),
        )}
      </div>
      <details class="more">
        <summary>More filters and saved views</summary>
        <div class="row">
          <Choice name="tenant" rows={rows} />
          <Choice name="code" rows={rows} />
          <Choice name="version" rows={rows} />
        </div>
        <SavedViews />
      </details>
    </section>
  );
}

function chipText(name: (typeof REMOVABLE)[number], value: string | number): string {
  return name === 'since' || name === 'until'
    ? new Date(Number(value)).toISOString().slice(0, 19)
    : shorten(String(value), 60);
}

function ShownChip({ shown }: { readonly shown: Shown }) {
  const chosen = place.value.filter.shown ?? [];
  const isChosen = chosen.includes(shown);
  return (
    <button
      type="button"
      class={`chip shown-${shown}`}
      aria-pressed={isChosen}
      onClick={() =>
        setFilter({ shown: isChosen ? chosen.filter((one) => one !== shown) : [...chosen, shown] })
      }
    >
      {shown}
    </button>
  );
}

function Search() {
  const given = place.value.filter.text ?? '';
  const isShort = useSignal(false);
  return (
    <label class="field grow">
      <span>Search by id, run, error or trace {isShort.value ? '(three characters or more)' : ''}</span>
      <input
        key={given}
        type="search"
        defaultValue={given}
        onChange={({ currentTarget: { value } }) => {
          const text = value.trim();
          isShort.value = text !== '' && text.length < LEAST_TEXT;
          if (!isShort.value) setFilter({ text });
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.currentTarget.dispatchEvent(new Event('change'));
          if (event.key === 'Escape') event.currentTarget.blur();
        }}
      />
    </label>
  );
}

function TypeChoice() {
  const { value: types = [] } = useLoaded<readonly TypeSummary[]>('types', { everyMs: 10_000 });
  const chosen = place.value.filter.type ?? '';
  const names = [...new Set([...types.map(({ type }) => type), ...(chosen === '' ? [] : [chosen])])];
  return (
    <label class="field">
      <span>Type</span>
      <select
        value={chosen}
        onChange={({ currentTarget }) => setFilter({ type: currentTarget.value, state: undefined })}
      >
        <option value="">all</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function StateChoice() {
  const { type, state = '' } = place.value.filter;
  const { value: states = [] } = useLoaded<readonly StateCount[]>(
    type === undefined ? undefined : `types/${encodeURIComponent(type)}/states`,
    { everyMs: 10_000 },
  );
  if (type === undefined && state === '') return null;
  const values = [...new Set([...states.map(({ value }) => value), ...(state === '' ? [] : [state])])];
  return (
    <label class="field">
      <span>State</span>
      <select value={state} onChange={({ currentTarget }) => setFilter({ state: currentTarget.value })}>
        <option value="">all</option>
        {values.map((value) => (
          <option key={value} value={value}>
            {shorten(stateName(value), 80)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** State values come as JSON. */
export function stateName(value: string): string {
  try {
    return stateText(JSON.parse(value)) || value;
  } catch {
    return value;
  }
}

function Choice({
  name,
  rows,
}: {
  readonly name: 'tenant' | 'code' | 'version';
  readonly rows: readonly ActorRow[];
}) {
  const given = place.value.filter[name] ?? '';
  const known = [...new Set(rows.map((row) => row[name]))].filter((one) => one !== undefined).slice(0, 100);
  return (
    <label class="field">
      <span>{name}</span>
      <input
        list={`known-${name}`}
        key={given}
        defaultValue={given}
        onChange={({ currentTarget }) => setFilter({ [name]: currentTarget.value.trim() })}
      />
      <datalist id={`known-${name}`}>
        {known.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </label>
  );
}

interface SavedView {
  readonly name: string;
  readonly query: string;
}

function SavedViews() {
  const views = useLoaded<readonly SavedView[]>('views', { again: () => false });
  const name = useSignal('');
  const problem = useSignal('');
  const change = async (method: 'PUT' | 'DELETE', view: string, body: object): Promise<void> => {
    try {
      await send(method, `views/${encodeURIComponent(view)}`, body);
      problem.value = '';
      announce(method === 'PUT' ? `View ${view} is kept` : `View ${view} is removed`);
      views.reload();
    } catch (error) {
      problem.value = failureText(error);
    }
  };
  return (
    <div class="chips">
      {(views.value ?? []).map((view) => (
        <span key={view.name} class="joined">
          <button
            type="button"
            class="chip"
            onClick={() => visit({ ...readPlace(view.query), view: 'actors' })}
          >
            {view.name}
          </button>
          <button
            type="button"
            class="chip"
            aria-label={`Remove the view ${view.name}`}
            onClick={() => void change('DELETE', view.name, {})}
          >
            ✕
          </button>
        </span>
      ))}
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          const { actor: _, ...rest } = place.peek();
          void change('PUT', name.value.trim(), { query: writePlace(rest) });
        }}
      >
        <input
          aria-label="Name of the view"
          placeholder="Keep this view as …"
          required
          maxLength={100}
          value={name.value}
          onInput={({ currentTarget }) => {
            name.value = currentTarget.value;
          }}
        />
        <button type="submit">Keep</button>
      </form>
      {problem.value === '' ? null : <p role="alert">{problem.value}</p>}
    </div>
  );
}
