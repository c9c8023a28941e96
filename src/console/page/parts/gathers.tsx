// Gathers that are open: a bar, a cell a branch, and the slowest one by its number and agent.
import type { GatherProgress } from '../../../contract/wire.ts';
import { cellsOf, gatherLabel, gatherLine } from '../model/gathers.ts';
import { now } from '../state.ts';

export function Gathers({ gathers }: { readonly gathers: readonly GatherProgress[] }) {
  if (gathers.length === 0) return null;
  return (
    <section class="card" aria-labelledby="gathers">
      <h2 id="gathers">Gathers</h2>
      {gathers.map((gather) => (
        <Gather key={gather.childId} gather={gather} />
      ))}
    </section>
  );
}

function Gather({ gather }: { readonly gather: GatherProgress }) {
  const line = gatherLine(gather, now.value);
  const cells = cellsOf(line);
  return (
    <div class="gather">
      <h3>{line.name}</h3>
      <progress max={Math.max(1, line.total)} value={line.total - line.open} aria-label={gatherLabel(line)} />
      <p>{line.text}</p>
      {line.slowest === undefined ? null : <p>{line.slowest}</p>}
      {cells.length === 0 ? null : (
        <div class="cells" role="img" aria-label={gatherLabel(line)}>
          {cells.map((cell, index) => (
            <i key={index} class={`cell ${cell}`} />
          ))}
        </div>
      )}
    </div>
  );
}
