// JSON as a tree that opens level by level, so that what is not looked at is not drawn.
import { useSignal } from '@preact/signals';
import type { Json } from '../../../contract/json.ts';
import { shorten } from '../model/text.ts';

const MOST_TEXT = 2_000;
const MOST_ITEMS = 200;

export function JsonTree({
  name,
  value,
  isOpen = false,
}: {
  readonly name: string;
  readonly value: Json;
  readonly isOpen?: boolean;
}) {
  if (typeof value !== 'object' || value === null) return <Leaf name={name} value={value} />;
  return <Branch name={name} value={value} isOpen={isOpen} />;
}

function Leaf({ name, value }: { readonly name: string; readonly value: string | number | boolean | null }) {
  const isWhole = useSignal(false);
  const text = JSON.stringify(value);
  const isLong = text.length > MOST_TEXT;
  return (
    <div class="json-leaf">
      <span class="json-name">{name}: </span>
      <span class={`json-${value === null ? 'null' : typeof value}`}>
        {isWhole.value ? text : shorten(text, MOST_TEXT)}
      </span>
      {isLong && !isWhole.value ? (
        <button
          type="button"
          class="link"
          onClick={() => {
            isWhole.value = true;
          }}
        >
          Show all {text.length.toLocaleString('en-US')} characters
        </button>
      ) : null}
    </div>
  );
}

function Branch({
  name,
  value,
  isOpen,
}: {
  readonly name: string;
  readonly value: Extract<Json, object>;
  readonly isOpen: boolean;
}) {
  const opened = useSignal(isOpen);
  const entries = Object.entries<Json>(value);
  const most = useSignal(MOST_ITEMS);
  return (
    <details
      class="json"
      open={opened.value}
      onToggle={({ currentTarget }) => {
        opened.value = currentTarget.open;
      }}
    >
      <summary>
        {name}{' '}
        <span class="soft">{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      {opened.value ? (
        <div class="json-inner">
          {entries.slice(0, most.value).map(([key, inner]) => (
            <JsonTree key={key} name={key} value={inner} />
          ))}
          {entries.length > most.value ? (
            <button
              type="button"
              class="link"
              onClick={() => {
                most.value += MOST_ITEMS;
              }}
            >
              {entries.length - most.value} more
            </button>
          ) : null}
        </div>
      ) : null}
    </details>
  );
}
