// Where a person is in the console, as the query of the address says it: the view, the filter of the list, the open actor, its turn. All that
// can be looked at has an address, so that it can be sent to somebody else.
import type { ActorFilter, ActorQuery, Shown } from '../../protocol.ts';

export const VIEWS = [
  ['attention', 'Needs attention'],
  ['actors', 'Actors'],
  ['machines', 'Machines'],
  ['processes', 'Processes'],
  ['letters', 'Dead letters'],
  ['questions', 'Questions'],
  ['costs', 'Costs'],
] as const;

export type ViewName = (typeof VIEWS)[number][0];
export type Sort = NonNullable<ActorQuery['sort']>;
export type CostsBy = 'type' | 'tenant' | 'run';

export const SHOWN: readonly Shown[] = [
  'quarantined',
  'error',
  'exhausted',
  'asking',
  'waiting',
  'active',
  'done',
  'stopped',
];
export const SORTS: readonly Sort[] = ['changed', 'started', 'age', 'cost'];

export interface Place {
  readonly view: ViewName;
  readonly filter: ActorFilter;
  readonly sort: Sort;
  /** Shown as a tree by who started whom. */
  readonly tree: boolean;
  /** `type/id` of the open actor. */
  readonly actor?: string;
  /** The chosen turn of its timeline; absent: the last one. */
  readonly turn?: number;
  readonly by: CostsBy;
  /** The chosen machine. */
  readonly machine?: string;
  readonly version?: string;
  /** Number of the open dead letter. */
  readonly letter?: number;
}

export const START: Place = { view: 'attention', filter: {}, sort: 'changed', tree: false, by: 'type' };

const TEXTS = ['type', 'state', 'tenant', 'root', 'parent', 'code', 'version', 'text'] as const;
const TIMES = ['since', 'until'] as const;

/** What is not understood counts as not said: an address may come from a newer console. */
export function readPlace(query: string): Place {
  const params = new URLSearchParams(query);
  const oneOf = <T extends string>(name: string, all: readonly T[]): T | undefined =>
    all.find((value) => value === params.get(name));
  const whole = (name: string): number | undefined => {
    const text = params.get(name);
    return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const text = (name: string): string | undefined => params.get(name) || undefined;
  const actor = text('actor');
  return {
    view:
      oneOf(
        'view',
        VIEWS.map(([name]) => name),
      ) ?? (actor === undefined ? START.view : 'actors'),
    filter: readFilter(params, whole),
    sort: oneOf('sort', SORTS) ?? START.sort,
    tree: params.get('tree') === '1',
    by: oneOf('by', ['type', 'tenant', 'run'] as const) ?? START.by,
    ...defined({
      actor,
      turn: whole('turn'),
      machine: text('machine'),
      version: text('machineVersion'),
      letter: whole('letter'),
    }),
  };
}

function readFilter(params: URLSearchParams, whole: (name: string) => number | undefined): ActorFilter {
  const shown = SHOWN.filter((one) => params.getAll('shown').includes(one));
  return defined({
    ...Object.fromEntries(TEXTS.map((name) => [name, params.get(name) || undefined])),
    ...Object.fromEntries(TIMES.map((name) => [name, whole(name)])),
    shown: shown.length === 0 ? undefined : shown,
  });
}

/** The query of an address: only what differs from the start. */
export function writePlace(place: Place): string {
  const params = new URLSearchParams();
  if (place.view !== START.view) params.set('view', place.view);
  for (const [name, value] of filterParams(place.filter)) params.append(name, value);
  if (place.sort !== START.sort) params.set('sort', place.sort);
  if (place.tree) params.set('tree', '1');
  if (place.by !== START.by) params.set('by', place.by);
  const { actor, turn, machine, version, letter } = place;
  for (const [name, value] of Object.entries({ actor, turn, machine, machineVersion: version, letter }))
    if (value !== undefined) params.set(name, String(value));
  return params.toString();
}

/** As the list of actors takes it: `shown` repeated. */
export function filterParams(filter: ActorFilter): readonly (readonly [string, string])[] {
  return Object.entries(filter).flatMap(([name, value]) => {
    if (value === undefined || value === '') return [];
    return (Array.isArray(value) ? value : [value]).map((one) => [name, String(one)] as const);
  });
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
