// From messages in hand to a committed, published turn (I2, I5): what is told apart here is what can go wrong in between.
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import { toErrorJson } from '../../contract/errors.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Overflow, TurnResult } from '../../contract/turn.ts';
import { isInternal } from '../../contract/turn.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import type { Item, NextState } from './batch.ts';
import { endsTombstone, nextState } from './batch.ts';
import { claimNext } from './claim-entries.ts';
import { answersDone, keepAnswers, overflowOf, runWithAnswers } from './gather-values.ts';
import type { HeldActor, Progress, Settlement } from './held-actor.ts';
import type { ActorHost } from './host.ts';
import { inspectCommit } from './inspect.ts';
import { holdBack, isStandingStill, quarantine } from './quarantine.ts';
import { recordEnded } from './trace.ts';
import { publishCommitted } from './undelivered.ts';

/** Before a machine that could not be loaded is tried again. */
const STUCK_PAUSE_MS = 1_000;

export async function applyItems(
  held: HeldActor,
  items: readonly Item[],
  settlements: Settlement[],
  /** Of one item: the gather that it answers ends, for its answers do not fit. */
  overflow?: Overflow,
): Promise<Progress> {
  const { host } = held;
  let left = items;
  while (left.length > 0) {
    if (isStandingStill(held.state)) return holdBack(held, messagesOf(left), settlements);
    const [first] = left;
    if (first !== undefined && endsTombstone(held.state, first.input)) return forget(held, left, settlements);
    let outcome: Awaited<ReturnType<typeof runWithAnswers>>;
    try {
      left = await keepAnswers(held, left);
      outcome = await runWithAnswers(held, left, overflow);
    } catch (thrown) {
      return held.letGo(thrown);
    }
    switch (outcome.kind) {
      case 'unfit':
        return narrow(held, left, outcome.error, settlements, overflow);
      case 'lost':
        return 'lost';
      case 'stuck':
        // Nothing is wrong with the messages: the machine cannot be loaded. They stay for a host that can.
        host.logger.error(outcome.error.message, {
          code: outcome.error.code,
          actor: held.name,
        });
        await new Promise((resolve) => setTimeout(resolve, STUCK_PAUSE_MS));
        return 'lost';
      case 'alone':
        for (const item of left) if ((await applyItems(held, [item], settlements)) === 'lost') return 'lost';
        return 'held';
      case 'poison': {
        const [item] = left;
        if (item === undefined) return 'held';
        const { error } = outcome;
        const progress = await refuse(
          held,
          item,
          { code: 'TURN_POISONED', message: describe(outcome) },
          settlements,
        );
        if (progress === 'lost' || host.onPoison === 'continue' || isStandingStill(held.state))
          return progress;
        return quarantine(held, error, [], settlements);
      }
      case 'ran': {
        const { verdicts, held: unheard } = outcome.result;
        // What the machine throws at is held once everything before it is concluded.
        const stops = verdicts.length === 0 ? unheard : incompatibility(outcome.result);
        if (stops !== undefined) return quarantine(held, stops, messagesOf(left), settlements);
        const progress = await conclude(held, left, outcome.result, settlements, overflow);
        if (progress !== 'held') return progress;
        left = left.slice(verdicts.length);
      }
    }
  }
  return 'held';
}

/**
 * One message that cannot be applied: from outside it is dead-lettered. Nobody can send an internal one again: it ends the actor
 * in error, or waits for a fix at the head of a quarantine (I7).
 */
async function refuse(
  held: HeldActor,
  { message, input }: Item,
  error: ErrorJson,
  settlements: Settlement[],
): Promise<Progress> {
  const { counters, onPoison } = held.host;
  counters.poisoned++;
  const isInside = isInternal(input);
  if (isInside && onPoison === 'quarantine') return quarantine(held, error, [message], settlements);
  if (isInside) return applyItems(held, [{ message, input: { kind: 'fail', input, error } }], settlements);
  const disposition = { kind: 'deadLetter', reason: error.code, description: error.message } as const;
  settlements.push({ message, disposition });
  return 'held';
}

async function conclude(
  held: HeldActor,
  items: readonly Item[],
  result: TurnResult,
  settlements: Settlement[],
  overflow: Overflow | undefined,
): Promise<Progress> {
  const { host } = held;
  const now = host.clock.now();
  const before = held.state.core;
  const settled = new Set(held.settled);
  let next: NextState;
  let bytes = 0;
  try {
    const full = nextState(held.state, items, result, {
      actor: held.address,
      epoch: held.epoch,
      now,
      duplicateWindowMs: host.duplicateWindowMs,
      retentionMs: host.retentionMs,
      settled,
      version: host.machine.version,
      machines: host.registry.machines,
      scope: host.payloads.scope,
    });
    const claimed = await claimNext(held, full);
    if (claimed.kind === 'unavailable') return held.letGo(claimed.error);
    next = claimed.next;
    bytes = claimed.bytes;
  } catch (error) {
    return narrow(
      held,
      items.slice(0, result.verdicts.length),
      toErrorJson(error, 'MACHINE_THREW'),
      settlements,
      overflow,
    );
  }
  if (next.state !== undefined) {
    const committed = await held.tryCommit(next.state, bytes);
    if (committed.kind === 'lost') return 'lost';
    if (committed.kind === 'refused')
      return narrow(held, items.slice(0, result.verdicts.length), committed.error, settlements, overflow);
    for (const number of settled) held.settled.delete(number);
    inspectCommit(host, held.address, result);
    writeLogs(host, held.address, result);
    sayFailures(held, items, result);
    const taken = items.slice(0, result.verdicts.length);
    held.discard(answersDone(before, next.state.core, taken, overflow));
  }
  host.counters.applied += result.verdicts.filter(({ kind }) => kind === 'applied').length;
  host.counters.dropped += next.dropped;
  const published = next.state === undefined ? held.publish(next.entries) : publishCommitted(held);
  if ((await published) === 'lost') return 'lost';
  if (next.state !== undefined) {
    const inputs = items.map(({ input }) => input);
    // Ended once all that left because of it has left: no send begins after the end of what sent it.
    recordEnded({
      actor: held.address,
      origin: next.state.traceparent,
      before,
      inputs,
      result,
      now: host.clock.now(),
    });
  }
  settlements.push(...next.dispositions);
  return 'held';
}

/** What these lead to cannot be committed, found before the commit or by the broker. Alone, it is this message's fault. */
async function narrow(
  held: HeldActor,
  items: readonly Item[],
  error: ErrorJson,
  settlements: Settlement[],
  overflow: Overflow | undefined,
): Promise<Progress> {
  if (items.length > 1) {
    for (const item of items) if ((await applyItems(held, [item], settlements)) === 'lost') return 'lost';
    return 'held';
  }
  const [item] = items;
  if (item === undefined) return 'held';
  if (overflow === undefined) {
    let ended: Overflow | undefined;
    try {
      ended = await overflowOf(held, item, error);
    } catch (thrown) {
      return held.letGo(thrown);
    }
    if (ended !== undefined) return applyItems(held, items, settlements, ended);
  }
  return refuse(held, item, error, settlements);
}

/** The state does not fit the machine: no message is to blame, and none may be lost. */
function incompatibility({ verdicts }: TurnResult): ErrorJson | undefined {
  for (const verdict of verdicts)
    if (verdict.kind === 'rejected' && verdict.error.code === 'STATE_INCOMPATIBLE') return verdict.error;
  return undefined;
}

function messagesOf(items: readonly Item[]): InboundMessage[] {
  return items.map(({ message }) => message);
}

/** The retention time is over (I13). */
async function forget(
  held: HeldActor,
  [first, ...rest]: readonly Item[],
  settlements: Settlement[],
): Promise<Progress> {
  if ((await held.forget()) === 'lost') return 'lost';
  if (first !== undefined) settlements.push({ message: first.message, disposition: { kind: 'complete' } });
  return rest.length === 0 ? 'held' : applyItems(held, rest, settlements);
}

function describe({ error, attempts }: { readonly error: ErrorJson; readonly attempts: number }): string {
  return `${error.code} on each of ${attempts} attempts: ${error.message}`;
}

function sayFailures(
  { host, name }: HeldActor,
  items: readonly Item[],
  { verdicts, state }: TurnResult,
): void {
  verdicts.forEach((verdict, at) => {
    if (verdict.kind !== 'applied' || verdict.failure === undefined) return;
    const { code, message } = verdict.failure;
    const input = items[at]?.input;
    host.counters.failed++;
    host.logger.error(
      `ended in error by a ${input?.kind === 'fail' ? input.input.kind : input?.kind}: ${message}`,
      {
        code,
        actor: name,
        turn: state?.turn,
      },
    );
  });
}

function writeLogs(host: ActorHost, actor: ActorAddress, result: TurnResult): void {
  for (const { turn, effect } of result.effects) {
    if (effect.kind !== 'log') continue;
    host.logger.info(effect.label ?? 'log', { actor: formatAddress(actor), turn, value: effect.value });
  }
}
