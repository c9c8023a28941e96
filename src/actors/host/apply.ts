// From messages in hand to a committed, published turn (I2, I5): what is told apart here is what can go wrong in between.
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import { toErrorJson } from '../../contract/errors.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import { MAX_CLAIM_BYTES } from '../../contract/sizes.ts';
import type { TurnResult } from '../../contract/turn.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import type { Item, NextState } from './batch.ts';
import { endsTombstone, nextState } from './batch.ts';
import { claimEntries } from './claim-entries.ts';
import type { HeldActor, Progress, Settlement } from './held-actor.ts';
import type { ActorHost } from './host.ts';
import { inspectCommit } from './inspect.ts';
import { holdBack, isStandingStill, quarantine } from './quarantine.ts';
import type { SessionState } from './session-state.ts';
import { stateBytes } from './session-state.ts';
import { recordEnded } from './trace.ts';
import { runTurn } from './turns.ts';

/** Before a machine that could not be loaded is tried again. */
const STUCK_PAUSE_MS = 1_000;

export async function applyItems(
  held: HeldActor,
  items: readonly Item[],
  settlements: Settlement[],
): Promise<Progress> {
  const { host } = held;
  let left = items;
  while (left.length > 0) {
    if (isStandingStill(held.state)) return holdBack(held, messagesOf(left), settlements);
    const [first] = left;
    if (first !== undefined && endsTombstone(held.state, first.input)) return forget(held, left, settlements);
    const outcome = await runTurn(left, held.state, held.address, host, held.newborn, (state) =>
      held.commit(state),
    );
    switch (outcome.kind) {
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
      case 'poison':
        host.counters.poisoned++;
        settlements.push(
          ...left.map(({ message }) => ({
            message,
            disposition: {
              kind: 'deadLetter',
              reason: 'TURN_POISONED',
              description: describe(outcome),
            } as const,
          })),
        );
        return host.onPoison === 'quarantine' ? quarantine(held, outcome.error, [], settlements) : 'held';
      case 'ran': {
        const unfit = incompatibility(outcome.result);
        if (unfit !== undefined) return quarantine(held, unfit, messagesOf(left), settlements);
        const progress = await conclude(held, left, outcome.result, settlements);
        if (progress !== 'held') return progress;
        left = left.slice(outcome.result.verdicts.length);
      }
    }
  }
  return 'held';
}

async function conclude(
  held: HeldActor,
  items: readonly Item[],
  result: TurnResult,
  settlements: Settlement[],
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
    if (next.state !== undefined) bytes = checkStateSize(next.state);
  } catch (error) {
    const { code, message } = toErrorJson(error, 'MACHINE_THREW');
    // Too large to commit: found here, before the commit. Alone, it is this message's fault.
    const taken = items.slice(0, result.verdicts.length);
    if (taken.length > 1) {
      for (const item of taken) if ((await applyItems(held, [item], settlements)) === 'lost') return 'lost';
      return 'held';
    }
    host.counters.poisoned++;
    settlements.push(
      ...taken.map((item) => ({
        message: item.message,
        disposition: { kind: 'deadLetter', reason: code, description: message } as const,
      })),
    );
    return 'held';
  }
  if (next.state !== undefined) {
    if ((await held.commit(next.state, bytes)) === 'lost') return 'lost';
    for (const number of settled) held.settled.delete(number);
    inspectCommit(host, held.address, result);
    writeLogs(host, held.address, result);
  }
  host.counters.applied += result.verdicts.filter(({ kind }) => kind === 'applied').length;
  host.counters.dropped += next.dropped;
  if ((await held.publish(next.entries)) === 'lost') return 'lost';
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

/** What is too large to travel is put away first, so that the state holds its reference. */
async function claimNext(
  { host, address }: HeldActor,
  next: NextState,
): Promise<
  | { readonly kind: 'claimed'; readonly next: NextState }
  /** The storage is at fault, and no message. */
  | { readonly kind: 'unavailable'; readonly error: unknown }
> {
  const incarnation = next.state?.core?.incarnation ?? '';
  try {
    const entries = await claimEntries(next.entries, host, address, incarnation);
    const state = next.state === undefined ? {} : { state: { ...next.state, outbox: entries } };
    return { kind: 'claimed', next: entries === next.entries ? next : { ...next, ...state, entries } };
  } catch (error) {
    if (toErrorJson(error, 'INTERNAL').code === 'EFFECT_TOO_LARGE') throw error;
    return { kind: 'unavailable', error };
  }
}

function checkStateSize(state: SessionState): number {
  const bytes = stateBytes(state);
  if (bytes <= MAX_CLAIM_BYTES) return bytes;
  throw Object.assign(new Error(`the state would be ${bytes} bytes, at most ${MAX_CLAIM_BYTES} are kept`), {
    code: 'STATE_TOO_LARGE',
  });
}

function describe({ error, attempts }: { readonly error: ErrorJson; readonly attempts: number }): string {
  return `${error.code} on each of ${attempts} attempts: ${error.message}`;
}

function writeLogs(host: ActorHost, actor: ActorAddress, result: TurnResult): void {
  for (const { turn, effect } of result.effects) {
    if (effect.kind !== 'log') continue;
    host.logger.info(effect.label ?? 'log', { actor: formatAddress(actor), turn, value: effect.value });
  }
}
