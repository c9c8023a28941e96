// The context, output and costs of an actor as its holder says them now. Read when somebody opens it: contexts are large and hold prompts.
import { useSignal } from '@preact/signals';
import type { Json } from '../../../contract/json.ts';
import type { ActorNow } from '../../protocol.ts';
import { bytes, money, number } from '../model/text.ts';
import { JsonTree } from './json.tsx';
import { Problem } from './notes.tsx';

const MOST_BYTES = 65_536;

export function Context({ live, error }: { readonly live: ActorNow | undefined; readonly error: unknown }) {
  const isOpen = useSignal(false);
  return (
    <section class="card" aria-label="Context">
      <details
        open={isOpen.value}
        onToggle={({ currentTarget }) => {
          isOpen.value = currentTarget.open;
        }}
      >
        <summary>
          <h2>Context now</h2>
        </summary>
        {isOpen.value ? <Body live={live} error={error} /> : null}
      </details>
    </section>
  );
}

function Body({ live, error }: { readonly live: ActorNow | undefined; readonly error: unknown }) {
  if (live === undefined)
    return error === undefined ? <p class="soft">Reading …</p> : <Problem error={error} />;
  const { context, output, error: failure, costs } = live.snapshot;
  return (
    <>
      <Large name="context" value={context} />
      {output === undefined ? null : <Large name="output" value={output} />}
      {failure === undefined ? null : <Large name="error" value={failure as unknown as Json} />}
      {costs === undefined ? null : (
        <p class="soft">
          Used with all that it started: {money(costs.total.microUsd)}, {number(costs.total.inputTokens)}{' '}
          tokens in, {number(costs.total.outputTokens)} out, {number(costs.total.calls)} calls
          {costs.wasted.calls > 0 ? `; of it wasted: ${money(costs.wasted.microUsd)}` : ''}
        </p>
      )}
    </>
  );
}

function Large({ name, value }: { readonly name: string; readonly value: Json }) {
  const isWhole = useSignal(false);
  const size = JSON.stringify(value)?.length ?? 0;
  if (size <= MOST_BYTES || isWhole.value) return <JsonTree name={name} value={value} isOpen />;
  return (
    <>
      <p>
        {name} has {bytes(size)}; the first {bytes(MOST_BYTES)}:{' '}
        <button
          type="button"
          onClick={() => {
            isWhole.value = true;
          }}
        >
          Show all
        </button>
      </p>
      <pre class="raw">{JSON.stringify(value, null, 1).slice(0, MOST_BYTES)}</pre>
    </>
  );
}
