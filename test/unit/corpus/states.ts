// The states of durable actors as a broker would keep them, as text, and what can be seen of an actor and its children.
import type { ActorAddress } from '../../../src/contract/address.ts';
import { formatAddress } from '../../../src/contract/address.ts';
import type { CoreState } from '../../../src/contract/turn.ts';
import type { View } from './observe.ts';
import { plain } from './observe.ts';

export class States {
  readonly #texts = new Map<string, string>();

  put(address: ActorAddress, state: CoreState | null): void {
    this.#texts.set(formatAddress(address), JSON.stringify(state));
  }

  get(address: ActorAddress): CoreState | null {
    return JSON.parse(this.#texts.get(formatAddress(address)) ?? 'null') as CoreState | null;
  }

  childIdOf(parent: ActorAddress, execution: string): string | undefined {
    return this.get(parent)?.executions[execution]?.childId;
  }

  /** Where the path of child ids leads. */
  find(root: ActorAddress, path: readonly string[]): ActorAddress {
    let address = root;
    for (const id of path) {
      const found = this.#childrenOf(address).find(([childId]) => childId === id);
      if (found === undefined) throw new Error(`no child '${id}' at ${path.join('/')}`);
      address = found[1];
    }
    return address;
  }

  look(address: ActorAddress, path: string, into: Record<string, View>): void {
    const state = this.get(address);
    if (state === null) return;
    const { status, tags, output, error } = state;
    const { value, context } = state.snapshot as { value: never; context: never };
    into[path] = {
      status,
      value: plain(value),
      context: plain(context),
      tags: tags.toSorted(),
      ...(output === undefined || output === null ? {} : { output: plain(output) }),
      ...(error === undefined ? {} : { error: { error: error.message } }),
    };
    for (const [id, child] of this.#childrenOf(address)) this.look(child, `${path}/${id}`, into);
  }

  #childrenOf(parent: ActorAddress): (readonly [string, ActorAddress])[] {
    return Object.values(this.get(parent)?.executions ?? {}).flatMap((execution) =>
      execution.kind === 'child' ? [[execution.childId, execution.address] as const] : [],
    );
  }
}
