// The machines: living actors by state on the chart, and which versions live and are served.
import type { Shown as ShownAs, StateCount, TypeSummary } from '../../protocol.ts';
import { useLoaded } from '../loaded.ts';
import { SHOWN } from '../model/place.ts';
import { counted } from '../model/text.ts';
import { Chart } from '../parts/chart.tsx';
import { stateName } from '../parts/filters.tsx';
import { Link } from '../parts/link.tsx';
import { Empty, Shown } from '../parts/notes.tsx';
import { Status } from '../parts/status.tsx';
import { fresh, place } from '../state.ts';

export function MachinesView() {
  const types = useLoaded<readonly TypeSummary[]>('types', { everyMs: 3_000 });
  const { machine } = place.value;
  return (
    <>
      <h1>Machines</h1>
      <Shown of={types}>
        {(found) =>
          found.length === 0 ? (
            <Empty>No process has told of a machine, and no actor is known.</Empty>
          ) : (
            <div class="two machines">
              <ul class="column plain">
                {found.map((one) => (
                  <Machine key={one.type} summary={one} isChosen={one.type === machine} />
                ))}
              </ul>
              <OneMachine summary={found.find(({ type }) => type === machine) ?? found[0]} />
            </div>
          )
        }
      </Shown>
    </>
  );
}

function Machine({ summary, isChosen }: { readonly summary: TypeSummary; readonly isChosen: boolean }) {
  const { type, counts, versions, served } = summary;
  const all = [...new Set([...Object.keys(versions), ...served])].toSorted();
  return (
    <li class="card">
      <h2>
        <Link to={fresh({ view: 'machines', machine: type })} keys="item" current={isChosen}>
          {type}
        </Link>
      </h2>
      <p class="chips">
        {SHOWN.map((shown) => (
          <Count key={shown} type={type} shown={shown} count={counts[shown] ?? 0} />
        ))}
      </p>
      <ul class="versions">
        {all.map((version) => (
          <li key={version}>
            <Link to={fresh({ view: 'machines', machine: type, version })}>version {version}</Link>:{' '}
            {counted(versions[version] ?? 0)} living,{' '}
            {served.includes(version) ? (
              'served'
            ) : (
              <strong class="late">
                {(versions[version] ?? 0) > 0 ? 'served by no process' : 'not served'}
              </strong>
            )}
          </li>
        ))}
      </ul>
    </li>
  );
}

function Count({
  type,
  shown,
  count,
}: {
  readonly type: string;
  readonly shown: ShownAs;
  readonly count: number;
}) {
  if (count === 0) return null;
  return (
    <Link to={fresh({ view: 'actors', filter: { type, shown: [shown] } })} class="chip">
      <Status shown={shown} /> {counted(count)}
    </Link>
  );
}

function OneMachine({ summary }: { readonly summary: TypeSummary | undefined }) {
  const { version } = place.value;
  const type = summary?.type;
  const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`;
  const states = useLoaded<readonly StateCount[]>(
    type === undefined ? undefined : `types/${encodeURIComponent(type)}/states${query}`,
    { everyMs: 2_000 },
  );
  if (type === undefined) return null;
  return (
    <section class="card column" aria-label={`States of ${type}`}>
      <h2>
        {type} {version === undefined ? '' : <span class="soft">version {version}</span>}
      </h2>
      <Chart type={type} version={version} heat={states.value ?? []} />
      <ul class="chips plain">
        {(states.value ?? []).map(({ value, count }) => (
          <li key={value}>
            <Link
              to={fresh({
                view: 'actors',
                filter: { type, state: value, ...(version === undefined ? {} : { version }) },
              })}
              class="chip"
            >
              {stateName(value)} <strong>{counted(count)}</strong>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
