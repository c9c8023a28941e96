// Puts what is too large to travel into the payload store before the commit (I2): the outbox holds messages as they will
// leave. What no store takes is found here, and not by the broker.
import type { ActorAddress } from '../../../contract/address.ts';
import { QuorateError } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import { isPayloadRef } from '../../../contract/payload.ts';
import { MAX_BODY_BYTES, MAX_CLAIM_BYTES } from '../../../contract/sizes.ts';
import { claimLarge, isSmall, jsonBytes, lifeFolder, tooLarge } from '../../protocol/claims.ts';
import { hashId } from '../../protocol/ids.ts';
import { concludeBudget } from '../budget/budget.ts';
import type { ActorHost } from '../host.ts';
import {
  type OutboxEntry,
  type ScatterEntry,
  type SessionState,
  stateBytes,
} from '../state/session-state.ts';
import { afterTurns } from '../unsent/unsent.ts';
import type { NextState } from './next-state.ts';

export interface ClaimedNext {
  readonly next: NextState;
  /** Size of the state as JSON; 0 without one. */
  readonly bytes: number;
}

/**
 * What is too large to travel is put away first, so that the state holds its reference. Throws EFFECT_TOO_LARGE or STATE_TOO_LARGE
 * when it is too large for the storage as well, or what the storage threw (`isTooLarge` tells them apart).
 */
export async function claimNext(
  next: NextState,
  host: Pick<ActorHost, 'payloads' | 'gates' | 'clock'>,
  actor: ActorAddress,
): Promise<ClaimedNext> {
  const incarnation = next.state?.core?.incarnation ?? '';
  const entries = await claimEntries(next.entries, host, actor, incarnation);
  if (next.state === undefined) return { next: { ...next, entries }, bytes: 0 };
  const claimed = entries === next.entries ? next.state : { ...next.state, outbox: entries };
  const now = host.clock.now();
  const state = concludeBudget(afterTurns(claimed, { actor, gates: host.gates, now }), actor, now);
  return { next: { ...next, state, entries: state.outbox }, bytes: checkStateSize(state) };
}

const TOO_LARGE = new Set(['EFFECT_TOO_LARGE', 'STATE_TOO_LARGE']);

/** Whether the value is at fault, and not the storage. */
export function isTooLarge({ code }: ErrorJson): boolean {
  return TOO_LARGE.has(code);
}

function checkStateSize(state: SessionState): number {
  const bytes = stateBytes(state);
  const error = stateSizeError(bytes);
  if (error === undefined) return bytes;
  throw new QuorateError(error.code, error.message);
}

export function stateSizeError(bytes: number): { code: 'STATE_TOO_LARGE'; message: string } | undefined {
  if (bytes <= MAX_CLAIM_BYTES) return undefined;
  const message = `the state would be ${bytes} bytes, at most ${MAX_CLAIM_BYTES} are kept`;
  return { code: 'STATE_TOO_LARGE', message };
}

/** The same array when everything is small. Throws EFFECT_TOO_LARGE, or what the storage threw. */
export async function claimEntries(
  entries: readonly OutboxEntry[],
  { payloads }: Pick<ActorHost, 'payloads'>,
  actor: ActorAddress,
  incarnation: string,
): Promise<readonly OutboxEntry[]> {
  if (entries.every(fits)) return entries;
  const own = lifeFolder(payloads.scope, actor, incarnation);
  return Promise.all(
    entries.map(async (entry): Promise<OutboxEntry> => {
      if (fits(entry)) return entry;
      if (entry.kind === 'message')
        return { ...entry, message: await claimLarge(entry.message, payloads, own) };
      if (entry.kind !== 'scatter' || isPayloadRef(entry.items)) return refuse(entry);
      const items = await payloads.put(own, hashId('items', entry.execution), [...entry.items]);
      const claimed: ScatterEntry = { ...entry, items };
      return fits(claimed) ? claimed : refuse(claimed);
    }),
  );
}

function fits(entry: OutboxEntry): boolean {
  if (entry.kind === 'cancel' || entry.kind === 'close' || entry.kind === 'slice') return true;
  return entry.kind === 'message'
    ? isSmall(entry.message)
    : jsonBytes(entry as unknown as Json) <= MAX_BODY_BYTES;
}

/** Throws for an entry that has to be small: every branch would carry what its scatter shares. */
function refuse(entry: OutboxEntry): never {
  const bytes = jsonBytes(entry as unknown as Json);
  const what = entry.kind === 'scatter' ? 'what all branches of a scatter share' : `an ${entry.kind}`;
  throw tooLarge(what, bytes, MAX_BODY_BYTES);
}
