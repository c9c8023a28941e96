// What models have cost, by machine type, tenant or run.
import type { CostLine } from '../../protocol.ts';
import { useLoaded } from '../loaded.ts';
import type { CostsBy } from '../model/place.ts';
import { money, number } from '../model/text.ts';
import { Link } from '../parts/link.tsx';
import { Empty, Shown } from '../parts/notes.tsx';
import { fresh, go, place } from '../state.ts';

const BY: readonly CostsBy[] = ['type', 'tenant', 'run'];

export function CostsView() {
  const { by } = place.value;
  const lines = useLoaded<readonly CostLine[]>(`costs?by=${by}`, { everyMs: 5_000 });
  return (
    <>
      <h1>Costs</h1>
      <p class="chips" role="group" aria-label="Sum by">
        {BY.map((one) => (
          <button
            key={one}
            type="button"
            class="chip"
            aria-pressed={one === by}
            onClick={() => go({ by: one }, 'replace')}
          >
            by {one}
          </button>
        ))}
      </p>
      <Shown of={lines}>
        {(found) =>
          found.length === 0 ? <Empty>Nothing has told what it used.</Empty> : <Table lines={found} by={by} />
        }
      </Shown>
    </>
  );
}

function Table({ lines, by }: { readonly lines: readonly CostLine[]; readonly by: CostsBy }) {
  const most = Math.max(1, ...lines.map(({ microUsd }) => microUsd));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Costs">
      <table>
        <thead>
          <tr>
            <th scope="col">{by === 'run' ? 'Run' : by === 'tenant' ? 'Tenant' : 'Type'}</th>
            <th scope="col" class="right">
              Actors
            </th>
            <th scope="col" class="right">
              Tokens
            </th>
            <th scope="col" class="right">
              Cost
            </th>
            <th scope="col">Share of the largest</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.of}>
              <th scope="row">
                <Link to={targetOf(line.of, by)} keys="item">
                  {line.of || '(nobody)'}
                </Link>
              </th>
              <td class="right">{number(line.actors)}</td>
              <td class="right">{number(line.tokens)}</td>
              <td class="right">{money(line.microUsd)}</td>
              <td>
                <meter
                  min={0}
                  max={most}
                  value={line.microUsd}
                  aria-label={`${line.of || 'nobody'}: share`}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function targetOf(of: string, by: CostsBy) {
  if (by === 'run') return fresh({ view: 'actors', actor: of });
  return fresh({ view: 'actors', sort: 'cost', filter: by === 'type' ? { type: of } : { tenant: of } });
}
