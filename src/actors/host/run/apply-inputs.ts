// Applies inputs, in order: runs them together and commits the result. Where that fails, they are tried one by one, to find
// the message at fault (I7); the others are applied as if it had not been there. It works on a line of groups: each step
// takes the first and says how its messages are settled and what of it is still to be applied.
import type { ErrorJson } from '../../../contract/outcome.ts';
import { isInternal, type Overflow, type TurnResult } from '../../../contract/turn.ts';
import { commitTurns } from '../commit/commit-turns.ts';
import type { HeldActor } from '../held-actor.ts';
import { measureWaits } from '../metrics.ts';
import { completed, type Settlement } from '../settle.ts';
import { messagesOf, type ReceivedInput } from '../sort/inbox.ts';
import { endsTombstone } from '../sort/tombstone.ts';
import { isStandingStill, park, quarantine } from '../standstill/quarantine.ts';
import { runWithAnswers } from './attempts.ts';
import { keepAnswers, overflowOf } from './gather-values.ts';

/** Inputs that are run and committed together (I12). */
interface Group {
  readonly received: readonly ReceivedInput[];
  /** Set for a group of one input: how the gather ends that it answers, because its answers do not fit. */
  readonly overflow?: Overflow | undefined;
}

interface Step {
  readonly settlements: readonly Settlement[];
  /** Still to be applied, before what waits behind this group. */
  readonly left: readonly Group[];
}

/** Applies the inputs. Gives how their messages are to be settled, in order. */
export async function applyInputs(
  held: HeldActor,
  received: readonly ReceivedInput[],
): Promise<readonly Settlement[]> {
  const settlements: Settlement[] = [];
  const line: Group[] = [{ received }];
  for (let group = line.shift(); group !== undefined; group = line.shift()) {
    if (group.received.length === 0) continue;
    const { settlements: ofGroup, left } = await applyGroup(held, group);
    settlements.push(...ofGroup);
    line.unshift(...left);
  }
  return settlements;
}

async function applyGroup(held: HeldActor, { received, overflow }: Group): Promise<Step> {
  if (isStandingStill(held.state)) return { settlements: await park(held, messagesOf(received)), left: [] };
  const [first, ...others] = received;
  if (first !== undefined && endsTombstone(held.state, first.input)) {
    // The retention time is over (I13).
    await held.forget();
    return { settlements: [completed(first.message)], left: [{ received: others }] };
  }
  let kept: readonly ReceivedInput[];
  let outcome: Awaited<ReturnType<typeof runWithAnswers>>;
  const begunAt = held.host.clock.now();
  try {
    kept = await keepAnswers(held, received);
    outcome = await runWithAnswers(held, kept, overflow);
  } catch (thrown) {
    return held.leave(thrown);
  }
  switch (outcome.kind) {
    case 'ran':
      measureWaits(held.host.metrics, kept.slice(0, outcome.result.verdicts.length), begunAt);
      return conclude(held, { received: kept, overflow }, outcome.result);
    case 'alone':
      return { settlements: [], left: eachAlone(kept) };
    case 'poison':
      return poisoned(held, kept, outcome);
    case 'unfit':
      return narrow(held, { received: kept, overflow }, outcome.error);
    case 'stuck':
      return held.leaveStuck(outcome.error);
  }
}

async function conclude(held: HeldActor, { received, overflow }: Group, result: TurnResult): Promise<Step> {
  const { verdicts, stoppedBy } = result;
  // A message at which the machine throws is parked once everything before it is done.
  const stops = verdicts.length === 0 ? stoppedBy : incompatibility(result);
  if (stops !== undefined)
    return { settlements: await quarantine(held, stops, messagesOf(received)), left: [] };
  const taken = received.slice(0, verdicts.length);
  const behind: Group = { received: received.slice(verdicts.length), overflow };
  const outcome = await commitTurns(held, taken, result);
  if (outcome.kind === 'committed') return { settlements: outcome.settlements, left: [behind] };
  const { settlements, left } = await narrow(held, { received: taken, overflow }, outcome.error);
  return { settlements, left: [...left, behind] };
}

/** The result cannot be committed, as was found before the commit or by the broker. A message that is alone is at fault. */
async function narrow(held: HeldActor, { received, overflow }: Group, error: ErrorJson): Promise<Step> {
  if (received.length > 1) return { settlements: [], left: eachAlone(received) };
  const [one] = received;
  if (one === undefined) return { settlements: [], left: [] };
  let ended: Overflow | undefined;
  try {
    ended = await overflowOf(held, one, error, overflow);
  } catch (thrown) {
    return held.leave(thrown);
  }
  return ended === undefined
    ? refuse(held, one, error)
    : { settlements: [], left: [{ received, overflow: ended }] };
}

/** This message, which ran alone, ended its thread on each attempt. */
async function poisoned(
  held: HeldActor,
  [one]: readonly ReceivedInput[],
  { error, attempts }: { readonly error: ErrorJson; readonly attempts: number },
): Promise<Step> {
  if (one === undefined) return { settlements: [], left: [] };
  const message = `${error.code} on each of ${attempts} attempts: ${error.message}`;
  const step = await refuse(held, one, { code: 'TURN_POISONED', message });
  if (held.host.onPoison === 'quarantine' && !isStandingStill(held.state)) await quarantine(held, error);
  return step;
}

/**
 * One message that cannot be applied: from outside it is dead-lettered. Nobody can send an internal one again: it ends the actor
 * in error, or waits for a fix at the head of a quarantine (I7).
 */
async function refuse(held: HeldActor, { message, input }: ReceivedInput, error: ErrorJson): Promise<Step> {
  const { counters, onPoison } = held.host;
  counters.poisoned++;
  const isInside = isInternal(input);
  if (isInside && onPoison === 'quarantine')
    return { settlements: await quarantine(held, error, [message]), left: [] };
  if (isInside)
    return { settlements: [], left: [{ received: [{ message, input: { kind: 'fail', input, error } }] }] };
  const disposition = { kind: 'deadLetter', reason: error.code, description: error.message } as const;
  return { settlements: [{ message, disposition }], left: [] };
}

function eachAlone(received: readonly ReceivedInput[]): Group[] {
  return received.map((one) => ({ received: [one] }));
}

/** The state does not fit the machine: no message is to blame, and none may be lost. */
function incompatibility({ verdicts }: TurnResult): ErrorJson | undefined {
  for (const verdict of verdicts)
    if (verdict.kind === 'rejected' && verdict.error.code === 'STATE_INCOMPATIBLE') return verdict.error;
  return undefined;
}
