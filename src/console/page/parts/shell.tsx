// The frame around each view: navigation, who is looking at what, the connection, the theme, and the one live region.
import type { IndexStatus } from '../../protocol.ts';
import { needsToken, setToken } from '../api.ts';
import { useLoaded } from '../loaded.ts';
import { VIEWS, type ViewName } from '../model/place.ts';
import { counted, duration } from '../model/text.ts';
import { connection, dialog, fresh, me, place, said, type Theme, theme } from '../state.ts';
import { ActorView } from '../views/actor.tsx';
import { ActorsView } from '../views/actors.tsx';
import { AttentionView } from '../views/attention.tsx';
import { CostsView } from '../views/costs.tsx';
import { LettersView } from '../views/letters.tsx';
import { MachinesView } from '../views/machines.tsx';
import { ProcessesView } from '../views/processes.tsx';
import { QuestionsView } from '../views/questions.tsx';
import { Help } from './help.tsx';
import { Link } from './link.tsx';

const VIEW_OF: Readonly<Record<ViewName, () => preact.JSX.Element>> = {
  attention: AttentionView,
  actors: ActorsView,
  machines: MachinesView,
  processes: ProcessesView,
  letters: LettersView,
  questions: QuestionsView,
  costs: CostsView,
};
const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: 'dark', dark: 'light', light: 'system' };
const THEME_SIGN: Readonly<Record<Theme, string>> = { system: '◐', dark: '☾', light: '☀' };
const SAYS = { connecting: 'connecting …', live: 'live', lost: 'connection lost, trying again' } as const;

export function Shell() {
  const { view, actor } = place.value;
  const View = VIEW_OF[view];
  const Dialog = dialog.value;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <strong class="brand">Quorate</strong>
        <nav aria-label="Views">
          {VIEWS.map(([name, title]) => (
            <Link key={name} to={fresh({ view: name })} current={name === view}>
              {title}
            </Link>
          ))}
        </nav>
        <Tools />
      </header>
      <main id="main" tabIndex={-1}>
        {actor === undefined ? <View /> : <ActorView key={actor} address={actor} />}
      </main>
      <Footer />
      <p role="status" class="unseen">
        {said.value}
      </p>
      {Dialog === undefined ? null : <Dialog />}
    </>
  );
}

function Tools() {
  const state = connection.value;
  return (
    <div class="tools">
      <span class={`connection ${state}`} title={SAYS[state]}>
        <span aria-hidden="true">{state === 'live' ? '●' : state === 'lost' ? '✕' : '○'}</span> {SAYS[state]}
      </span>
      <button
        type="button"
        class="quiet"
        aria-label={`Theme: ${theme.value}`}
        title={`Theme: ${theme.value}`}
        onClick={() => {
          theme.value = NEXT_THEME[theme.value];
        }}
      >
        {THEME_SIGN[theme.value]}
      </button>
      <button
        type="button"
        class="quiet"
        aria-label="Keys"
        title="Keys (?)"
        onClick={() => {
          dialog.value = Help;
        }}
      >
        ?
      </button>
    </div>
  );
}

function Footer() {
  const { value: status } = useLoaded<IndexStatus>('status', { everyMs: 5_000 });
  const who = me.value;
  return (
    <footer>
      {who === undefined ? null : (
        <span>
          {who.name} ({who.role}) · {who.broker}
          {who.prefix === '' ? '' : `, ${who.prefix}`} · Quorate {who.version}{' '}
          <button
            type="button"
            class="link"
            onClick={() => {
              setToken('');
              needsToken.value = true;
            }}
          >
            Other token
          </button>
        </span>
      )}
      {status === undefined ? null : (
        <span>
          {counted(status.actors)} actors known
          {status.lagMs === undefined ? '' : `, newest record taken in after ${duration(status.lagMs)}`}
          {status.mode === 'reading' ? ' · read only: another process keeps this index' : ''}
          {status.refused > 0 ? ` · ${status.refused} records could not be read` : ''}
          {status.sweep === undefined ? '' : ` · looking for others: ${status.sweep.looked} looked at`}
        </span>
      )}
    </footer>
  );
}
