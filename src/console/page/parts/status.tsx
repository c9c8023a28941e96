// How an actor is, by shape, word and colour.
import type { Shown } from '../../protocol.ts';

const SHAPES: Readonly<Record<Shown, string>> = {
  quarantined: '■',
  error: '✕',
  exhausted: '◆',
  asking: '?',
  waiting: '◷',
  active: '●',
  done: '✓',
  stopped: '–',
};

export function Status({ shown }: { readonly shown: Shown }) {
  return (
    <span class={`status ${shown}`}>
      <span aria-hidden="true" class="shape">
        {SHAPES[shown]}
      </span>
      {shown}
    </span>
  );
}
