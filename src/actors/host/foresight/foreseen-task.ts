// A task's letter, as the holder of its asker sees it: whether its answer is still waited for, whether it was done already, and what
// another attempt may cost. No agent is asked.
import { toErrorJson } from '../../../contract/errors.ts';
import type { Foresight } from '../../../contract/foresight.ts';
import type { Json } from '../../../contract/json.ts';
import type { CoreState } from '../../../contract/turn.ts';
import { MICROS, NO_FUNDS } from '../../../contract/usage.ts';
import type { InboundMessage, TaskBody } from '../../../contract/wire.ts';
import { familyOf, isUnreadable, openClaims, storedResult } from '../../protocol/claims.ts';
import { inLife, withoutLife } from '../../protocol/ids.ts';
import { marksOfWork } from '../../protocol/lineage.ts';
import { parseTaskBody } from '../../protocol/messages.ts';
import type { Scene } from './rehearse.ts';

/** `message` as it would be sent again, `letter` as it lies there. Throws what the storage threw. */
export async function foreseeTask(
  { state, host }: Pick<Scene, 'state' | 'host'>,
  message: InboundMessage,
  letter: InboundMessage,
): Promise<Foresight> {
  const parsed = parseTaskBody(message);
  if (!parsed.ok) return { would: 'fail', error: { code: 'INPUT_INVALID', message: parsed.why } };
  const { body } = parsed;
  const { agent } = body;
  const closed = whyClosed(state.core, body);
  const waits = closed === undefined ? { agent, awaited: true } : { agent, awaited: false, why: closed };
  const { folder } = await familyOf(message, host.payloads);
  if ((await storedResult(host.results, folder, body.key)) !== undefined)
    return { would: 'answer', ...waits };
  if (body.logic === undefined && !Object.hasOwn(host.registry.agents, agent))
    return { would: 'fail', error: { code: 'AGENT_NOT_FOUND', message: `no agent ${agent} here` } };
  let input: Json;
  try {
    input = ((await openClaims(message, host.payloads)).body as TaskBody).input;
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (!isUnreadable(error.code)) throw thrown;
    return { would: 'fail', error };
  }
  const isCancelled = await host.cancellations.isCancelledNow(marksOfWork(letter, body.execution));
  const { microUsd, tokens } = host.fundsOf?.(agent, input) ?? NO_FUNDS;
  const cost = { tokens, ...(microUsd === 0 ? {} : { usd: microUsd / MICROS }) };
  return {
    would: 'run',
    ...waits,
    ...(isCancelled ? { cancelled: true as const } : {}),
    ...(tokens === 0 && microUsd === 0 ? {} : { mayCost: cost }),
  };
}

/** Why its asker does not wait for it any more; undefined where it does. */
function whyClosed(core: CoreState | null, { execution, branch }: TaskBody): string | undefined {
  if (core === null) return 'the actor that asked is gone';
  const number = withoutLife(execution);
  if (number !== execution && execution !== inLife(number, core.incarnation))
    return 'an earlier life of the actor asked';
  if (core.status !== 'active') return `the actor that asked has ended: ${core.status}`;
  const open = Object.hasOwn(core.executions, number) ? core.executions[number] : undefined;
  if (open === undefined) return 'the actor that asked has left the state that waits for it';
  if (open.kind !== 'scatter' || branch === null) return undefined;
  return hasAnswered(open.gather.answered, branch) ? 'its branch has answered' : undefined;
}

function hasAnswered(answered: string, branch: number): boolean {
  const byte = Buffer.from(answered, 'base64')[branch >> 3] ?? 0;
  return (byte & (1 << (branch & 7))) !== 0;
}
