// The timeline of an actor: a slider over its turns and the list of its steps. The chosen step is in the address, and lights the chart.
import { useEffect, useRef } from 'preact/hooks';
import type { ActorDetail, TimelineStep } from '../../protocol.ts';
import { clock, duration, plural, shorten, stateText } from '../model/text.ts';
import { type Entry, entriesOf } from '../model/timeline.ts';
import { go, now } from '../state.ts';

const MOST_TEXT = 300;

export function Timeline({ detail, at }: { readonly detail: ActorDetail; readonly at: number }) {
  const { steps, gaps } = detail;
  const chosen = steps[at];
  if (chosen === undefined)
    return (
      <section class="card" aria-labelledby="timeline">
        <h2 id="timeline">Timeline</h2>
        <p class="soft">
          No turn was told to this index. The row is right all the same; later turns appear here.
        </p>
      </section>
    );
  const choose = (index: number): void => {
    const step = steps[index];
    if (step !== undefined)
      go({ turn: index === steps.length - 1 ? undefined : step.turn } as never, 'replace');
  };
  return (
    <section class="card" aria-labelledby="timeline">
      <div class="row spread">
        <h2 id="timeline">Timeline</h2>
        {at === steps.length - 1 ? null : (
          <button type="button" onClick={() => choose(steps.length - 1)}>
            To the latest turn
          </button>
        )}
      </div>
      <div class="row scrub">
        <button type="button" aria-label="Turn before" disabled={at === 0} onClick={() => choose(at - 1)}>
          ‹
        </button>
        <input
          type="range"
          min={0}
          max={steps.length - 1}
          value={at}
          aria-label="Turn"
          aria-valuetext={`turn ${chosen.turn}, ${stateText(chosen.value)}, after ${chosen.event}`}
          onInput={({ currentTarget }) => choose(Number(currentTarget.value))}
        />
        <button
          type="button"
          aria-label="Turn after"
          disabled={at === steps.length - 1}
          onClick={() => choose(at + 1)}
        >
          ›
        </button>
      </div>
      <Chosen step={chosen} />
      <ol class="steps" aria-label="Steps">
        {entriesOf(steps, gaps).map((entry) => (
          <Line
            key={entry.kind === 'step' ? entry.step.turn : entry.key}
            entry={entry}
            at={at}
            choose={choose}
          />
        ))}
      </ol>
    </section>
  );
}

function Chosen({ step }: { readonly step: TimelineStep }) {
  return (
    <div class="chosen">
      <p>
        Turn <strong>{step.turn}</strong> · {clock(step.at, now.value)} ·{' '}
        <code class="event">{shorten(step.event, MOST_TEXT)}</code> →{' '}
        <strong>{stateText(step.value) || '–'}</strong>
      </p>
      {step.effects.length === 0 ? (
        <p class="soft">It asked for nothing.</p>
      ) : (
        <ul class="effects" aria-label="What it asked for">
          {step.effects.map((effect, index) => (
            <li key={index}>{shorten(effect, MOST_TEXT)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Line({
  entry,
  at,
  choose,
}: {
  readonly entry: Entry;
  readonly at: number;
  readonly choose: (index: number) => void;
}) {
  const button = useRef<HTMLButtonElement>(null);
  const isChosen = entry.kind === 'step' && entry.index === at;
  useEffect(() => {
    const { current } = button;
    const list = current?.closest('ol');
    if (!isChosen || current === null || list === null || list === undefined) return;
    // Only the list itself scrolls, never the page under somebody's eyes.
    const { offsetTop, offsetHeight } = current;
    if (offsetTop < list.scrollTop) list.scrollTop = offsetTop;
    else if (offsetTop + offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = offsetTop + offsetHeight - list.clientHeight;
  }, [isChosen]);
  if (entry.kind === 'idle') return <li class="idle">{duration(entry.ms)} without a turn</li>;
  if (entry.kind === 'gap') return <li class="gap">{plural(entry.turns, 'turn')} not seen</li>;
  if (entry.kind === 'between')
    return <li class="idle">{plural(entry.turns, 'turn')} in between, not told one by one</li>;
  const { step, index } = entry;
  return (
    <li>
      <button
        ref={button}
        type="button"
        class="step"
        aria-current={isChosen ? 'step' : undefined}
        onClick={() => choose(index)}
      >
        <span class="turn">{step.turn}</span>
        <code class="event">{shorten(step.event, 120)}</code>
        <span class="to">{shorten(stateText(step.value), 120)}</span>
        {step.effects.length > 0 ? <span class="soft">{plural(step.effects.length, 'effect')}</span> : null}
      </button>
    </li>
  );
}
