// Links between places of the console: real addresses, followed without loading the page anew.
import type { ComponentChildren } from 'preact';
import type { Place } from '../model/place.ts';
import { fresh, hrefOf, visit } from '../state.ts';

export interface LinkProps {
  readonly to: Place;
  readonly current?: boolean;
  readonly class?: string;
  /** `item`: one that `j` and `k` go to. */
  readonly keys?: 'item';
  readonly children: ComponentChildren;
}

export function Link({ to, current, class: name, keys, children }: LinkProps) {
  return (
    <a
      href={hrefOf(to)}
      class={name}
      aria-current={current === true ? 'page' : undefined}
      data-keys={keys}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        visit(to);
      }}
    >
      {children}
    </a>
  );
}

export function ActorLink({ address, class: name }: { readonly address: string; readonly class?: string }) {
  return (
    <Link to={fresh({ view: 'actors', actor: address })} class={name ?? 'address'}>
      {address}
    </Link>
  );
}
