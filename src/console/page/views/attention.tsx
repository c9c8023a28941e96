// What a person should look at, the most urgent first, each with one click to the actors that it is about.
import type { AttentionGroup, Letters } from '../../protocol.ts';
import { useLoaded } from '../loaded.ts';
import { counted, duration, shorten } from '../model/text.ts';
import { ActorLink, Link } from '../parts/link.tsx';
import { Empty, Shown } from '../parts/notes.tsx';
import { fresh, now } from '../state.ts';

const SAYS: Readonly<Record<AttentionGroup['kind'], readonly [title: string, what: string]>> = {
  quarantined: ['Stand still', 'A turn failed on every try. Fix the cause, then release them.'],
  error: ['Ended in error', 'In the last day.'],
  exhausted: ['Out of budget', 'Work is held back until somebody tops up.'],
  asking: ['Wait for people', 'A question is open.'],
  overdue: ['Late', 'A deadline or timer has passed, and nobody has taken notice.'],
  slow: ['Open for long', 'Work is open for more than an hour.'],
  unserved: ['Served by no process', 'Start a process that has this machine or agent.'],
};
const SIGNS: Readonly<Record<AttentionGroup['kind'], string>> = {
  quarantined: '■',
  error: '✕',
  exhausted: '◆',
  asking: '?',
  overdue: '!',
  slow: '◷',
  unserved: '∅',
};

export function AttentionView() {
  const groups = useLoaded<readonly AttentionGroup[]>('attention', { everyMs: 2_000 });
  const letters = useLoaded<Letters>('letters', { everyMs: 15_000 });
  const waiting = letters.value?.groups ?? [];
  return (
    <>
      <h1>Needs attention</h1>
      <Shown of={groups}>
        {(found) =>
          found.length === 0 && waiting.length === 0 ? (
            <Empty>
              Nothing needs attention. <Link to={fresh({ view: 'actors' })}>See all actors</Link>
            </Empty>
          ) : (
            <ul class="groups">
              {found.map((group) => (
                <Group key={`${group.kind} ${group.what}`} group={group} />
              ))}
              {waiting.length === 0 ? null : (
                <LetterGroups
                  count={waiting.reduce((sum, { count }) => sum + count, 0)}
                  codes={waiting.map(({ code }) => code)}
                />
              )}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

function Group({ group }: { readonly group: AttentionGroup }) {
  const [title, advice] = SAYS[group.kind];
  const target =
    group.kind === 'asking' ? fresh({ view: 'questions' }) : fresh({ view: 'actors', filter: group.filter });
  return (
    <li class={`group card ${group.kind}`}>
      <Link to={target} class="group-link" keys="item">
        <span class="sign" aria-hidden="true">
          {SIGNS[group.kind]}
        </span>
        <span class="count">{counted(group.count)}</span>
        <span>
          <strong>{title}</strong> <code>{group.what}</code>
        </span>
      </Link>
      <p class="soft">
        {advice} Since {duration(now.value - group.since)}.
      </p>
      {group.message === undefined ? null : <p class="message">{shorten(group.message, 300)}</p>}
      {group.example === undefined ? null : (
        <p>
          For example <ActorLink address={group.example} />
        </p>
      )}
    </li>
  );
}

function LetterGroups({ count, codes }: { readonly count: number; readonly codes: readonly string[] }) {
  return (
    <li class="group card letters">
      <Link to={fresh({ view: 'letters' })} class="group-link" keys="item">
        <span class="sign" aria-hidden="true">
          ✉
        </span>
        <span class="count">{counted(count)}</span>
        <span>
          <strong>Dead letters</strong> <code>{[...new Set(codes)].slice(0, 4).join(', ')}</code>
        </span>
      </Link>
      <p class="soft">Messages that nobody could take. Look why, then send them again.</p>
    </li>
  );
}
