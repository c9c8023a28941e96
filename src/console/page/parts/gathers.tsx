// Gathers that are open: a bar, a cell a branch, and the slowest one by its number and agent.
import type { GatherProgress } from '../../../contract/wire.ts';
import { branchesIn, gatherLabel, gatherLine, policyLine } from '../model/gathers.ts';
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
  const branches = branchesIn(gather);
  const policy = policyLine(gather, now.value);
  return (
    <div class="gather">
      <h3>{line.name}</h3>
      <progress max={Math.max(1, line.total)} value={line.total - line.open} aria-label={gatherLabel(line)} />
      <p>{line.text}</p>
      {line.slowest === undefined ? null : <p>{line.slowest}</p>}
      {policy === undefined ? null : <p>{policy}</p>}
      {branches.length === 0 ? null : (
        <div class="cells" role="img" aria-label={gatherLabel(line)}>
          {branches.map(({ cell, title }, index) => (
            <i key={index} class={`cell ${cell}`} title={title} />
          ))}
        </div>
      )}
    </div>
  );
}
