// Dead letters: groups by code and whose they are, each letter with why, and sending them again, tried out first.
import { useSignal } from '@preact/signals';
import type { DeadLetter } from '../../../contract/dead-letters.ts';
import type { Json } from '../../../contract/json.ts';
import type { LetterGroup, Letters } from '../../protocol.ts';
import { failureText, send } from '../api.ts';
import { useLoaded } from '../loaded.ts';
import { mayAnswer } from '../model/abilities.ts';
import { clock, counted, duration, plural, shorten } from '../model/text.ts';
import { Confirm } from '../parts/actions.tsx';
import { JsonTree } from '../parts/json.tsx';
import { ActorLink } from '../parts/link.tsx';
import { Empty, Shown } from '../parts/notes.tsx';
import { dialog, go, now, place, role } from '../state.ts';

export function LettersView() {
  const letters = useLoaded<Letters>('letters', { everyMs: 10_000 });
  return (
    <>
      <h1>Dead letters</h1>
      <Shown of={letters}>
        {(found) =>
          found.groups.length === 0 ? (
            <Empty>No dead letter waits for anybody.</Empty>
          ) : (
            <ul class="groups">
              {found.groups.map((group) => (
                <Group key={`${group.code} ${group.of}`} group={group} all={found} reload={letters.reload} />
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

interface GroupProps {
  readonly group: LetterGroup;
  readonly all: Letters;
  readonly reload: () => void;
}

function Group({ group, all, reload }: GroupProps) {
  const letters = all.letters.filter(
    ({ code, agent, actor }) => code === group.code && (agent ?? actor?.split('/')[0] ?? '') === group.of,
  );
  const numbers = letters.map(({ number }) => number);
  return (
    <li class="card group letters">
      <h2>
        <span class="count">
          {counted(group.count)}
          {all.more ? '+' : ''}
        </span>{' '}
        <code>{group.code}</code> {group.of}
      </h2>
      <p class="soft">
        First {duration(now.value - group.first)} ago, last {duration(now.value - group.last)} ago
        {letters.length < group.count ? `; the oldest ${letters.length} are listed` : ''}
      </p>
      <div class="row">
        <Redrive numbers={numbers} reload={reload} />
      </div>
      <ul class="plain">
        {letters.slice(0, 50).map((letter) => (
          <li key={letter.number}>
            <Letter letter={letter} reload={reload} />
          </li>
        ))}
      </ul>
    </li>
  );
}

function Letter({ letter, reload }: { readonly letter: DeadLetter; readonly reload: () => void }) {
  const isOpen = place.value.letter === letter.number;
  return (
    <details
      open={isOpen}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open && !isOpen) go({ letter: letter.number }, 'replace');
      }}
    >
      <summary data-keys="item">
        #{letter.number} {letter.kind} · {clock(letter.at, now.value)} · {shorten(letter.reason, 120)}
      </summary>
      <p class="message">{shorten(letter.description)}</p>
      {letter.actor === undefined ? null : (
        <p>
          For <ActorLink address={letter.actor} />
        </p>
      )}
      {isOpen ? <Shows number={letter.number} /> : null}
      <Redrive numbers={[letter.number]} reload={reload} />
    </details>
  );
}

function Shows({ number }: { readonly number: number }) {
  const whole = useLoaded<Json>(`letters/${number}`, { again: () => false });
  return <Shown of={whole}>{(value) => <JsonTree name="letter" value={value} isOpen />}</Shown>;
}

function Redrive({ numbers, reload }: { readonly numbers: readonly number[]; readonly reload: () => void }) {
  const reason = numbers.length === 0 ? 'None of them is listed.' : mayAnswer(role.value);
  return (
    <button
      type="button"
      aria-disabled={reason !== undefined}
      title={reason}
      onClick={() => {
        if (reason === undefined) dialog.value = () => <RedriveDialog numbers={numbers} reload={reload} />;
      }}
    >
      Send {numbers.length === 1 ? 'it' : `${numbers.length} of them`} again …
    </button>
  );
}

function RedriveDialog({
  numbers,
  reload,
}: {
  readonly numbers: readonly number[];
  readonly reload: () => void;
}) {
  const tried = useSignal<Json | undefined>(undefined);
  const problem = useSignal('');
  const tryOut = async (): Promise<void> => {
    try {
      tried.value = (await send('POST', 'letters/redrive', { numbers, dryRun: true })).done;
    } catch (error) {
      problem.value = failureText(error);
    }
  };
  return (
    <Confirm
      title={`Send ${plural(numbers.length, 'dead letter')} again`}
      path="letters/redrive"
      body={{ numbers }}
      line={`quorate dlq redrive ${numbers.join(' ')}`}
      verb="Send again"
      done={reload}
    >
      <p>Each goes once more to where it was sent. What fails again comes back as a new dead letter.</p>
      <button type="button" onClick={() => void tryOut()}>
        Try it out first
      </button>
      {problem.value === '' ? null : <p role="alert">{problem.value}</p>}
      {tried.value === undefined ? null : <JsonTree name="What would happen" value={tried.value} isOpen />}
    </Confirm>
  );
}
