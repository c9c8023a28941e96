// From the result of turns to a committed, published state: next state, commit, publish, in this order (I2). What follows, settling,
// is left to the batch: its anchor is settled last (I5). What was used is booked with it; without turns in a commit of its own.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { CoreState, TurnResult } from '../../../contract/turn.ts';
import { traceNow } from '../../../observability/telemetry.ts';
import { concludeBudget } from '../budget/budget.ts';
import type { ActorView, HeldActor } from '../held-actor.ts';
import type { ActorHost } from '../host.ts';
import { measureTurns } from '../metrics.ts';
import { publishCommitted, sendAnswers } from '../outbox/publish.ts';
import { inspectCommit, inspectCosts } from '../questions/watchers.ts';
import { recordTurns } from '../record-spans.ts';
import { answersDone } from '../run/gather-values.ts';
import { completed, type Settlement } from '../settle.ts';
import type { ReceivedInput } from '../sort/inbox.ts';
import { isStandingStill, park } from '../standstill/quarantine.ts';
import type { SessionState } from '../state/session-state.ts';
import { goOn } from '../unsent/unsent.ts';
import { book, type Turned, withSpent } from './book.ts';
import { type ClaimedNext, claimNext, isTooLarge } from './claim-entries.ts';
import { type NextState, nextState } from './next-state.ts';

type CommittedTurns =
  | { readonly kind: 'committed'; readonly settlements: readonly Settlement[] }
  /** What they lead to cannot be committed: nothing has changed. */
  | { readonly kind: 'refused'; readonly error: ErrorJson };

/** `received`: those that the result has verdicts for. */
export async function commitTurns(
  held: HeldActor,
  received: readonly ReceivedInput[],
  result: TurnResult,
): Promise<CommittedTurns> {
  const { host, address: actor } = held;
  const { counters } = host;
  const now = host.clock.now();
  const before = held.state.core;
  const settled = new Set(held.settler.settled);
  let unclaimed: NextState;
  try {
    unclaimed = nextState(held.state, received, result, {
      actor,
      epoch: held.epoch,
      now,
      duplicateWindowMs: host.duplicateWindowMs,
      retentionMs: host.retentionMs,
      settled,
      version: host.machine.version,
      machines: host.registry.machines,
      scope: host.payloads.scope,
      isLost: held.isOutlined,
      usages: held.unbooked,
      fundsOf: host.fundsOf,
      savedOf: host.savedOf,
      tenants: host.tenants,
      notifyAsks: host.notifyAsks,
      traced: held.trace === undefined ? undefined : { begunAt: held.trace.begunAt, at: traceNow() },
    });
  } catch (thrown) {
    return { kind: 'refused', error: toErrorJson(thrown, 'MACHINE_THREW') };
  }
  let claimed: ClaimedNext;
  try {
    claimed = await claimNext(unclaimed, host, actor);
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    return isTooLarge(error) ? { kind: 'refused', error } : held.leave(thrown);
  }
  const { next, bytes } = claimed;
  if (next.state !== undefined) {
    const committed = await held.tryCommit(next.state, { bytes, forgets: settled, turns: result });
    if (committed !== 'committed') return { kind: 'refused', error: committed };
    if (next.isBooked === true) held.booked();
    noteEnd(held, before);
    inspectCommit(held, result);
    writeLogs(host, actor, result);
    sayFailures(held, received, result);
    held.discard(answersDone(before, result, received));
  }
  counters.applied += result.verdicts.filter(({ kind }) => kind === 'applied').length;
  counters.dropped += next.dropped;
  if (next.state === undefined) await sendAnswers(held, next.entries);
  else await publishCommitted(held);
  if (next.state !== undefined) {
    const inputs = received.map(({ input }) => input);
    measureTurns(host.metrics, { ...result, before, after: next.state.core, inputs, now });
    const { machine } = host;
    recordTurns({ actor, machine, origin: next.state, before, inputs, result, trace: held.trace });
  }
  return { kind: 'committed', settlements: next.settlements };
}

/** Its spans end with the commit, before anybody can hear of the end; of a child that was stopped, when its parent said so. */
function noteEnd({ trace, state }: HeldActor, before: CoreState | null): void {
  const { core } = state;
  if (trace === undefined || core === null || core.status === 'active' || before?.status === core.status)
    return;
  const isTold = trace.isTold === true;
  trace.overAt ??= isTold ? trace.begunAt : traceNow();
}

function sayFailures(
  { host, name }: ActorView,
  received: readonly ReceivedInput[],
  { verdicts, state }: TurnResult,
): void {
  verdicts.forEach((verdict, at) => {
    if (verdict.kind !== 'applied' || verdict.failure === undefined) return;
    const { code, message } = verdict.failure;
    const input = received[at]?.input;
    host.counters.failed++;
    const by = input?.kind === 'fail' ? input.input.kind : input?.kind;
    host.logger.error(`ended in error by a ${by}: ${message}`, { code, actor: name, turn: state?.turn });
  });
}

function writeLogs(host: ActorHost, actor: ActorAddress, result: TurnResult): void {
  for (const { turn, effect } of result.effects) {
    if (effect.kind !== 'log') continue;
    host.logger.info(effect.label ?? 'log', { actor: formatAddress(actor), turn, value: effect.value });
  }
}

/** What no turn of this batch has taken along, in a commit of its own. Gives how its messages are settled. */
export async function bookAlone(held: HeldActor): Promise<readonly Settlement[]> {
  const usages = held.unbooked;
  const messages = usages.map(({ message }) => message);
  held.booked();
  if (usages.length === 0) return [];
  const { state } = held;
  const { core } = state;
  if (core === null) return messages.map(completed);
  if (isStandingStill(state)) return park(held, messages);
  const turned: Turned = { before: core, after: core, judged: [], letGoUntil: 0, saved: [] };
  const { host, address: actor, epoch } = held;
  const now = host.clock.now();
  const settlements = messages.map(completed);
  const books = book(state.control, usages, turned, { actor, epoch, now });
  if (books === undefined) return settlements;
  const { inbox, forgets } = held.recorded(settlements);
  const next: SessionState = {
    ...state,
    core: withSpent(core, usages),
    inbox,
    outbox: books.entries,
    control: books.control,
  };
  const going = goOn(next, { actor, gates: host.gates, now });
  await held.commit(concludeBudget(going, actor, now), forgets);
  inspectCosts(held);
  await publishCommitted(held);
  return settlements;
}
