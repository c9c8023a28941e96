// Answers without a bill. An agent's host bills each attempt at what was reserved for, in front of its answer; one of a former build does
// not know how, and then nobody settles what its asker has reserved. The answer says that the attempt is over, so it counts as it was
// reserved, and is marked as estimated. Pure.
import type { CoreState, TurnInput } from '../../../contract/turn.ts';
import { NO_AMOUNT, OTHERS } from '../../../contract/usage.ts';
import type { Told } from '../../protocol/usage.ts';
import type { ControlState } from '../state/session-state.ts';
import { reservedAt } from './ledger.ts';

/** As their hosts would have told it. `inputs` are of the batch that brought the reports. */
export function unbilled(
  control: ControlState | undefined,
  reports: readonly Told[],
  inputs: readonly TurnInput[],
  before: CoreState | null,
): readonly Told[] {
  const { ledger } = control?.budget ?? {};
  if (ledger === undefined) return [];
  const billed = new Set(reports.filter(({ of, isMore }) => of !== 'sum' && isMore !== true).map(placeOf));
  return inputs.flatMap((input): Told[] => {
    if (input.kind !== 'reply' || billed.has(placeOf(input))) return [];
    const { execution, branch } = input;
    const asked = before?.executions[execution];
    // A child says at its end what it holds.
    if (asked === undefined || asked.kind === 'child') return [];
    const each = reservedAt(ledger, { execution, branch });
    if (each === undefined) return [];
    billed.add(placeOf(input));
    const agents = asked.kind === 'scatter' ? asked.gather.agents : [];
    const agent = agents.length === 0 ? OTHERS : (agents[(branch ?? 0) % agents.length] ?? OTHERS);
    const estimated = { ...NO_AMOUNT, inputTokens: each.tokens, microUsd: each.microUsd, calls: 1 };
    const row = { agent, model: '', ...estimated, estimated };
    return [{ execution, ...(branch === undefined ? {} : { branch }), of: 'answer', rows: [row], until: 0 }];
  });
}

export function placeOf({ execution, branch }: Pick<Told, 'execution' | 'branch'>): string {
  return `${execution}/${branch ?? ''}`;
}
