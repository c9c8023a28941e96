// The processes that tell of themselves each ten seconds: what they serve, how busy they are, and since when one is silent.
import type { ProcessRow } from '../../protocol.ts';
import { useLoaded } from '../loaded.ts';
import { bytes, duration, number, plural } from '../model/text.ts';
import { Empty, Shown } from '../parts/notes.tsx';
import { now } from '../state.ts';

const SIGN: Readonly<Record<ProcessRow['state'], string>> = { alive: '●', silent: '◌', stopped: '–' };

export function ProcessesView() {
  const rows = useLoaded<readonly ProcessRow[]>('processes', { everyMs: 5_000 });
  return (
    <>
      <h1>Processes</h1>
      <Shown of={rows}>
        {(found) =>
          found.length === 0 ? (
            <Empty>
              No process has told of itself. Hosts do where the index is on: <code>index: true</code> or{' '}
              <code>QUORATE_INDEX</code>.
            </Empty>
          ) : (
            <ul class="cards">
              {found.map((row) => (
                <Process key={row.id} row={row} />
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

function Process({ row }: { readonly row: ProcessRow }) {
  return (
    <li class={`card process ${row.state}`}>
      <h2>
        <span class={`status ${row.state}`}>
          <span class="shape" aria-hidden="true">
            {SIGN[row.state]}
          </span>
          {row.state}
        </span>{' '}
        {row.host} <span class="soft">pid {row.pid}</span>
      </h2>
      <dl class="pairs">
        <Pair
          name="Runs for"
          value={duration((row.state === 'alive' ? now.value : row.seenAt) - row.startedAt)}
        />
        <Pair name="Seen" value={`${duration(now.value - row.seenAt)} ago`} />
        <Pair name="Roles" value={row.roles.join(', ') || '–'} />
        <Pair name="Sessions held" value={number(row.sessions)} />
        <Pair name="Event loop delay" value={`${row.eventLoopMs.toFixed(1)} ms`} />
        <Pair name="Memory" value={bytes(row.memoryBytes)} />
        <Pair name="Quorate" value={row.build} />
        {Object.entries(row.counters).map(([name, value]) => (
          <Pair key={name} name={name} value={number(value)} />
        ))}
      </dl>
      <Machines machines={row.machines} />
      {row.agents.length === 0 ? null : (
        <ul class="bars" aria-label="Agents">
          {row.agents.map(({ name, running, concurrency }) => (
            <li key={name}>
              <span>{name}</span>
              <meter
                min={0}
                max={Math.max(1, concurrency)}
                value={running}
                aria-label={`${name}: slots in use`}
              />
              <span class="soft">
                {running} of {plural(concurrency, 'slot')}
              </span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Machines({ machines }: Pick<ProcessRow, 'machines'>) {
  const names = Object.entries(machines);
  if (names.length === 0) return null;
  return (
    <p class="chips">
      {names.map(([type, version]) => (
        <span key={type} class="chip">
          {type} <span class="soft">{version}</span>
        </span>
      ))}
    </p>
  );
}

export function Pair({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
