// One actor: its error first, its chart at the chosen turn, what it waits for, its timeline, its context on demand, and its family.
import type { ActorDetail, ActorNow, ActorRow } from '../../protocol.ts';
import { actorPath } from '../api.ts';
import { touches, useLoaded } from '../loaded.ts';
import { clock, duration, money, number, plural, shorten, stateText } from '../model/text.ts';
import { stepAt } from '../model/timeline.ts';
import { Actions } from '../parts/actions.tsx';
import { Chart } from '../parts/chart.tsx';
import { Context } from '../parts/context.tsx';
import { Family } from '../parts/family.tsx';
import { Gathers } from '../parts/gathers.tsx';
import { Link } from '../parts/link.tsx';
import { Shown } from '../parts/notes.tsx';
import { Status } from '../parts/status.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { Waits } from '../parts/waits.tsx';
import { fresh, now, place } from '../state.ts';
import { Pair } from './processes.tsx';

export function ActorView({ address }: { readonly address: string }) {
  const path = actorPath(address);
  const again = touches([address]);
  const detail = useLoaded<ActorDetail>(path, { again, everyMs: 500 });
  const live = useLoaded<ActorNow>(`${path}/now`, { again, everyMs: 1_500 });
  const reload = (): void => {
    detail.reload();
    live.reload();
  };
  const { actor: _, turn: __, ...list } = place.value;
  return (
    <>
      <p class="crumbs">
        <Link to={list}>‹ Actors</Link>
      </p>
      <Shown of={detail}>
        {(found) => <One detail={found} live={live.value} liveError={live.error} reload={reload} />}
      </Shown>
    </>
  );
}

interface OneProps {
  readonly detail: ActorDetail;
  readonly live: ActorNow | undefined;
  readonly liveError: unknown;
  readonly reload: () => void;
}

function One({ detail, live, liveError, reload }: OneProps) {
  const { actor, steps } = detail;
  const at = stepAt(steps, place.value.turn);
  const step = steps[at];
  const isLatest = at === steps.length - 1;
  const value = step === undefined || isLatest ? actor.value : step.value;
  return (
    <>
      <header class="row spread actor-head">
        <h1>
          {actor.type}/<wbr />
          {shorten(actor.id, 200)}
        </h1>
        <Status shown={actor.shown} />
      </header>
      <Failure actor={actor} />
      <Facts actor={actor} />
      <Actions actor={actor} events={live?.events ?? []} done={reload} />
      <div class="two">
        <div class="column">
          <div class="card">
            <p class="where">
              {stateText(value) || '(no state)'}
              {isLatest ? '' : ` at turn ${step?.turn ?? 0}`}
            </p>
            <Chart
              type={actor.type}
              version={actor.version}
              light={{ value, before: steps[at - 1]?.value, event: step?.event }}
            />
          </div>
          <Gathers gathers={live?.snapshot.gathers ?? []} />
          <Timeline detail={detail} at={at} />
        </div>
        <div class="column">
          <Waits actor={actor} live={live} />
          <Context live={live} error={liveError} />
          <Family detail={detail} />
        </div>
      </div>
    </>
  );
}

function Failure({ actor }: { readonly actor: ActorRow }) {
  if (actor.code === undefined) return null;
  return (
    <section class="problem" aria-label="Error">
      <strong>{actor.code}</strong>{' '}
      {actor.quarantinedAt === undefined
        ? ''
        : `It stands still for ${duration(now.value - actor.quarantinedAt)}.`}
      <p class="message">{shorten(actor.message ?? '')}</p>
    </section>
  );
}

function Facts({ actor }: { readonly actor: ActorRow }) {
  const facts: readonly (readonly [string, string])[] = [
    ['Started', clock(actor.startedAt, now.value)],
    [
      actor.endedAt === undefined ? 'Lives for' : 'Lived for',
      duration((actor.endedAt ?? now.value) - actor.startedAt),
    ],
    ['Last change', `${duration(now.value - actor.changedAt)} ago`],
    ['Turn', number(actor.turn)],
    ['Version', actor.version],
    ['Held last by', actor.host],
    ...(actor.tenant === undefined ? [] : [['Tenant', actor.tenant] as const]),
    ...(actor.priority === undefined ? [] : [['Priority', actor.priority] as const]),
    ...(actor.tokens === 0
      ? []
      : [['Used', `${money(actor.microUsd)}, ${plural(actor.tokens, 'token')}`] as const]),
    ...(actor.traceId === undefined ? [] : [['Trace', actor.traceId] as const]),
  ];
  return (
    <dl class="pairs facts">
      {facts.map(([name, value]) => (
        <Pair key={name} name={name} value={shorten(value, 200)} />
      ))}
      {actor.tags.length === 0 ? null : <Pair name="Tags" value={actor.tags.join(', ')} />}
      <div>
        <dt>Run</dt>
        <dd>
          <Link to={fresh({ view: 'actors', tree: true, sort: 'started', filter: { root: actor.root } })}>
            all of this run
          </Link>
        </dd>
      </div>
    </dl>
  );
}
