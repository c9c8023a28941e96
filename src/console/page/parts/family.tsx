// Who started an actor, and what it started.
import type { ActorDetail, ActorRow } from '../../protocol.ts';
import { shorten } from '../model/text.ts';
import { fresh } from '../state.ts';
import { Link } from './link.tsx';
import { Status } from './status.tsx';

const MOST_CHILDREN = 200;

export function Family({ detail: { actor, ancestors, children } }: { readonly detail: ActorDetail }) {
  if (ancestors.length === 0 && children.length === 0) return null;
  return (
    <section class="card" aria-labelledby="family">
      <h2 id="family">Family</h2>
      {ancestors.length === 0 ? null : (
        <>
          <h3>Started by</h3>
          <Chips rows={ancestors} />
        </>
      )}
      {children.length === 0 ? null : (
        <>
          <h3>Has started</h3>
          <Chips rows={children} />
          {children.length < MOST_CHILDREN ? null : (
            <Link to={fresh({ view: 'actors', filter: { parent: actor.address } })}>All of them</Link>
          )}
        </>
      )}
    </section>
  );
}

function Chips({ rows }: { readonly rows: readonly ActorRow[] }) {
  return (
    <p class="chips">
      {rows.map((row) => (
        <Link key={row.address} to={fresh({ view: 'actors', actor: row.address })} class="chip">
          <Status shown={row.shown} /> {shorten(row.address, 120)}
        </Link>
      ))}
    </p>
  );
}
