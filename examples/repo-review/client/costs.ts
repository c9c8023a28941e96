// What a review has used, in one line: what it paid for, as far as it is known.
import type { QueryAnswer, QuorateClient } from 'quorate';
import type { SummaryRow } from './ending.ts';

const MICROS = 1_000_000;

export function describeCosts({ total, estimated }: NonNullable<QueryAnswer['costs']>): string {
  const { calls, inputTokens, outputTokens, microUsd, unpricedCalls } = total;
  const tokens = `${calls} call${calls === 1 ? '' : 's'}, ${inputTokens} tokens in, ${outputTokens} out`;
  const usd =
    unpricedCalls >= calls ? '' : `, ${unpricedCalls > 0 ? '> ' : ''}$${(microUsd / MICROS).toFixed(6)}`;
  return `${tokens}${usd}${estimated.calls > 0 ? `, ${estimated.calls} of the calls estimated` : ''}`;
}

/** Nothing where no model was asked. */
export async function costOfReview(
  client: Pick<QuorateClient, 'costs'>,
  id: string,
): Promise<readonly SummaryRow[]> {
  try {
    const costs = await client.costs('review', id);
    return costs.total.calls === 0 ? [] : [['cost', describeCosts(costs)]];
  } catch (error) {
    // The review is delivered all the same.
    return [['cost', `not known: ${error instanceof Error ? error.message : String(error)}`]];
  }
}
