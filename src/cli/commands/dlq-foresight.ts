// What a redrive would come to, in a line a letter and a sum at the end.
import type { Remedied } from '../../contract/dead-letters.ts';
import type { ForeseenEffect, Foresight, MayCost } from '../../contract/foresight.ts';
import type { Json } from '../../contract/json.ts';
import { CELL, oneLine } from '../shared/terminal.ts';

/** The rest of a line that begins with the number of the letter. */
export function describeForesight(foresight: Foresight): string {
  switch (foresight.would) {
    case 'apply': {
      const { failure, starts, status, value, effects } = foresight;
      if (failure !== undefined)
        return `would end its actor in error: ${failure.code}: ${oneLine(failure.message)}`;
      const taken = starts === true ? 'would start its actor' : 'would be taken';
      const where = status === 'active' ? `then in ${stateOf(value)}` : `then ${status}`;
      return `${taken}, ${where}; ${effects.length === 0 ? 'nothing leaves' : effects.map(describeEffect).join(', ')}`;
    }
    case 'fail':
      return `would fail again: ${foresight.error.code}: ${oneLine(foresight.error.message)}`;
    case 'drop':
      return `would be dropped: ${oneLine(foresight.why)}`;
    case 'wait':
      return `would wait: ${oneLine(foresight.why)}`;
    case 'run': {
      const { agent, mayCost, cancelled } = foresight;
      const cost = mayCost === undefined ? '' : `; ${describeCost(mayCost)} an attempt`;
      return `would run ${agent} again: ${awaited(foresight)}${cancelled === true ? ', cancelled' : ''}${cost}`;
    }
    case 'answer':
      return `would send the stored answer of ${foresight.agent}, nothing is paid again: ${awaited(foresight)}`;
    case 'act':
      return `would run action ${foresight.action} again`;
    case 'unknown': {
      const after = foresight.after === undefined ? '' : ` (after letter ${foresight.after})`;
      return `cannot be known: ${oneLine(foresight.why)}${after}`;
    }
  }
}

const SUMS: Readonly<Record<Foresight['would'], string>> = {
  apply: 'would be taken',
  fail: 'would fail again',
  drop: 'would be dropped',
  wait: 'would wait',
  run: 'would run again',
  answer: 'would be answered from the store',
  act: 'would run an action again',
  unknown: 'cannot be known',
};

/** Typed wrongly, or not chosen this way: letters whose asker dealt with the failure. */
export const NOTHING =
  'nothing matches among those that wait for somebody; `quorate dlq ls --all` lists the others too';

/** Adds up while the letters come: none of them is kept. */
export class ForesightSum {
  readonly #counts = new Map<string, number>();
  #tokens = 0;
  #usd = 0;
  #unpriced = 0;

  add({ foresight, outcome }: Remedied): void {
    const what = foresight === undefined ? outcome : SUMS[foresight.would];
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    if (foresight?.would !== 'run') return;
    const { mayCost } = foresight;
    this.#tokens += mayCost?.tokens ?? 0;
    this.#usd += mayCost?.usd ?? 0;
    if (mayCost?.usd === undefined) this.#unpriced++;
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  toString(): string {
    if (this.isEmpty) return NOTHING;
    const counts = [...this.#counts].map(([what, count]) => `${count} ${what}`).join(', ');
    if (this.#tokens === 0 && this.#usd === 0) return counts;
    const cost = describeCost({ tokens: this.#tokens, ...(this.#usd === 0 ? {} : { usd: this.#usd }) });
    const rest = this.#unpriced === 0 ? '' : `, without a price for ${this.#unpriced}`;
    return `${counts}; ${cost} with one attempt each${rest}`;
  }
}

function awaited({ awaited: is, why }: { readonly awaited: boolean; readonly why?: string }): string {
  return is ? 'its answer is awaited' : `nobody waits for its answer (${why ?? ''})`;
}

function describeEffect({ kind, to, count, bytes }: ForeseenEffect): string {
  const whom = to === undefined ? '' : ` for ${to}`;
  return `${count === 1 ? '' : `${count} x `}${kind}${whom}${bytes === 0 ? '' : ` (${bytes.toLocaleString('en-US')} B)`}`;
}

function describeCost({ tokens, usd }: MayCost): string {
  const said = [
    ...(tokens === 0 ? [] : [`${tokens.toLocaleString('en-US')} tokens`]),
    ...(usd === undefined ? [] : [`${usd.toFixed(usd < 0.1 ? 6 : 2)} USD`]),
  ];
  return `at most ${said.join(', ')}`;
}

function stateOf(value: Json): string {
  if (value === null || (typeof value === 'object' && Object.keys(value).length === 0))
    return 'its only state';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return oneLine(text, CELL);
}
