// Questions to people that are open, each with a form for its answer.
import { useSignal } from '@preact/signals';
import type { OpenAsk } from '../../../contract/asks.ts';
import type { Json } from '../../../contract/json.ts';
import { failureText, pretty, send } from '../api.ts';
import { useLoaded } from '../loaded.ts';
import { mayAnswer } from '../model/abilities.ts';
import { answerKind, readAnswer } from '../model/answer.ts';
import { duration, quoted } from '../model/text.ts';
import { timerText } from '../model/waits.ts';
import { ActorLink } from '../parts/link.tsx';
import { Empty, Shown } from '../parts/notes.tsx';
import { announce, now, role } from '../state.ts';

export function QuestionsView() {
  const asks = useLoaded<{ readonly open: readonly OpenAsk[] }>('asks', { everyMs: 3_000 });
  return (
    <>
      <h1>Questions</h1>
      <Shown of={asks}>
        {({ open }) =>
          open.length === 0 ? (
            <Empty>No question is open.</Empty>
          ) : (
            <ul class="cards">
              {open.map((ask) => (
                <Question key={ask.id} ask={ask} done={asks.reload} />
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

function Question({ ask, done }: { readonly ask: OpenAsk; readonly done: () => void }) {
  const text = useSignal('');
  const problem = useSignal('');
  const kind = answerKind(ask.schema, ask.choices);
  const read = readAnswer(kind, text.value);
  const reason = mayAnswer(role.value);
  const answer = async (value: Json): Promise<void> => {
    try {
      await send('POST', `asks/${encodeURIComponent(ask.id)}/answer`, { value });
      announce('The answer is taken');
      done();
    } catch (error) {
      problem.value = failureText(error);
    }
  };
  return (
    <li class="card">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (read.error === undefined && reason === undefined) void answer(read.value);
        }}
      >
        <p class="question">{ask.question}</p>
        <p class="soft">
          <ActorLink address={`${ask.actor.type}/${ask.actor.id}`} /> asks for{' '}
          {duration(now.value - ask.openedAt)}
          {ask.deadlineAt === undefined ? '' : `, wanted ${timerText(ask.deadlineAt, now.value)}`}
          {ask.default === undefined ? '' : `, then it is ${JSON.stringify(ask.default).slice(0, 200)}`}
        </p>
        <label class="field">
          <span>{kind === 'json' ? 'Answer, as JSON' : 'Answer'}</span>
          {kind === 'choice' || kind === 'boolean' ? (
            <select
              required
              value={text.value}
              onChange={({ currentTarget }) => {
                text.value = currentTarget.value;
              }}
            >
              <option value="">choose …</option>
              {(kind === 'boolean' ? ['true', 'false'] : (ask.choices ?? [])).map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          ) : (
            <textarea
              rows={kind === 'json' ? 5 : 2}
              required
              value={text.value}
              onInput={({ currentTarget }) => {
                text.value = currentTarget.value;
              }}
            />
          )}
        </label>
        {kind === 'json' && ask.schema !== undefined ? (
          <details>
            <summary>What it has to be</summary>
            <pre class="raw">{pretty(ask.schema)}</pre>
          </details>
        ) : null}
        {read.value === undefined ? null : (
          <pre class="line">
            quorate asks answer {quoted(ask.id)} {quoted(JSON.stringify(read.value))}
          </pre>
        )}
        {problem.value === '' ? null : (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        {text.value === '' || read.error === undefined ? null : <p class="soft">{read.error}</p>}
        {reason === undefined ? null : <p class="soft">{reason}</p>}
        <button type="submit" class="primary" disabled={reason !== undefined || read.error !== undefined}>
          Answer
        </button>
      </form>
    </li>
  );
}
