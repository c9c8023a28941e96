// What an actor waits for: why it stands still, its open work with age and deadline, questions, budget and its next timer.
import type { ActorNow, ActorRow } from '../../protocol.ts';
import { duration, money, plural } from '../model/text.ts';
import { timerText, type Wait, waitsOf } from '../model/waits.ts';
import { fresh, now } from '../state.ts';
import { ActorLink, Link } from './link.tsx';

interface WaitsProps {
  readonly actor: ActorRow;
  readonly live: ActorNow | undefined;
}

export function Waits({ actor, live }: WaitsProps) {
  const at = now.value;
  const waits = waitsOf(actor.executions, at);
  const paused = Object.keys(live?.snapshot.paused ?? {});
  const budget = live?.snapshot.budget;
  const isLive = actor.status === 'active';
  const isNothing =
    waits.length === 0 && actor.timerAt === undefined && actor.asks === 0 && actor.exhaustedAt === undefined;
  return (
    <section class="card" aria-labelledby="waits">
      <h2 id="waits">Waits for</h2>
      {isNothing && actor.quarantinedAt === undefined ? (
        <p class="soft">{isLive ? 'An event: nothing of its own is open.' : 'Nothing: it has ended.'}</p>
      ) : null}
      <ul class="waits">
        {actor.quarantinedAt === undefined ? null : (
          <li>Somebody to release it, for {duration(at - actor.quarantinedAt)}</li>
        )}
        {actor.exhaustedAt === undefined ? null : (
          <li>
            Budget, for {duration(at - actor.exhaustedAt)}
            {budget?.limit.microUsd === undefined
              ? ''
              : `: ${money(budget.spent.microUsd)} of ${money(budget.limit.microUsd)} is spent`}
          </li>
        )}
        {actor.asks === 0 ? null : (
          <li>
            <Link to={fresh({ view: 'questions' })}>{plural(actor.asks, 'answer')} of people</Link>
          </li>
        )}
        {waits.map((wait) => (
          <One key={wait.id} wait={wait} />
        ))}
        {actor.timerAt === undefined ? null : <li>Its next timer, {timerText(actor.timerAt, at)}</li>}
        {actor.unsent === 0 ? null : (
          <li>{plural(actor.unsent, 'task')} not sent yet: a bound or a budget holds them back</li>
        )}
        {paused.length === 0 ? null : <li>Paused agents: {paused.join(', ')}</li>}
      </ul>
    </section>
  );
}

function One({ wait }: { readonly wait: Wait }) {
  const { deadlineInMs: left } = wait;
  return (
    <li>
      {wait.child === undefined ? <strong>{wait.what}</strong> : <ActorLink address={wait.child} />}, open for{' '}
      {duration(wait.sinceMs)}
      {wait.progress === undefined ? '' : `: ${wait.progress}`}
      {left === undefined ? null : left >= 0 ? (
        `, deadline in ${duration(left)}`
      ) : (
        <strong class="late">, deadline passed {duration(-left)} ago</strong>
      )}
    </li>
  );
}
