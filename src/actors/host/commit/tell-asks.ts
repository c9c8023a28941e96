// Tells the list of questions (control/asks) what an actor has open, whenever a batch has changed it: all of it, under the number of the
// turn, so that repeats and overtaking change nothing there. It leaves with the commit (I2).
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import type { AsksState } from '../../../contract/asks.ts';
import type { EventJson } from '../../../contract/json.ts';
import type { CoreState } from '../../../contract/turn.ts';
import { shardOf, type TellAsks, toRow } from '../../../control/asks/protocol.ts';
import { toControl } from '../../protocol/control.ts';
import { hashId } from '../../protocol/ids.ts';
import type { OutboxEntry, Outline } from '../state/session-state.ts';

interface Changed {
  readonly before: CoreState | null;
  readonly after: CoreState;
  readonly epoch: string;
  /** Nobody knows what it had open. */
  readonly isLost: boolean;
  /** The agent that is told of new ones. */
  readonly notify?: string | undefined;
}

const NONE: AsksState = { open: {}, closed: [] };

export function tellAsks(
  actor: ActorAddress,
  { before, after, epoch, isLost, notify }: Changed,
): OutboxEntry[] {
  if (isLost ? before?.asks === undefined : before?.asks === after.asks) return [];
  const { open, closed } = after.asks ?? NONE;
  const known = before?.turn ?? 0;
  const news = closed.filter(({ turn }) => turn > known);
  if (!isLost && news.length === 0 && sameKeys(before?.asks?.open ?? {}, open)) return [];
  const { incarnation, turn } = after;
  const rows = Object.fromEntries(Object.entries(open).map(([ask, question]) => [ask, toRow(question)]));
  const told = notify === undefined ? {} : { notify };
  const event: TellAsks = {
    type: 'tell',
    actor,
    life: incarnation,
    turn,
    open: rows,
    closed: news,
    ...told,
  };
  return [toList(actor, event, epoch)];
}

/** Of an actor that is removed although nobody can read what it had open. */
export function withdrawAsks(
  actor: ActorAddress,
  outline: Outline | undefined,
  epoch: string,
): OutboxEntry[] {
  if (outline?.asks === undefined) return [];
  const { incarnation: life, turn } = outline;
  return [toList(actor, { type: 'tell', actor, life, turn: turn + 1, open: {}, closed: [] }, epoch)];
}

function toList(actor: ActorAddress, event: TellAsks, epoch: string): OutboxEntry {
  const id = hashId('asks', formatAddress(actor), event.life, event.turn, epoch);
  const target = { kind: 'asks', name: shardOf(actor.type) } as const;
  return { kind: 'message', message: toControl(target, event as unknown as EventJson, id) };
}

function sameKeys(a: object, b: object): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key));
}
