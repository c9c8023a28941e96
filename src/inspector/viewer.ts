// One connected viewer, and what it is sent. A viewer who reads slowly gets fewer frames, never old ones and never our memory: past a
// bound only the ids of changed actors are kept, and their latest snapshots are sent once there is room.
import type { WebSocket } from 'ws';
import type { ActorRecord, ActorStore, Change, RecentEvent } from './store.ts';

/** Unsent bytes of a viewer beyond which its frames are coalesced. */
export const MAX_BUFFERED_BYTES = 1_048_576;
/** A viewer that takes nothing for so long is gone. */
export const STALL_MS = 30_000;

export interface Viewer {
  /** `frames` of a step are asked for only when they can be sent; they are the same for every viewer. */
  tell(change: Change, frames: () => readonly string[]): void;
  /** Cuts the connection when nothing could be sent for STALL_MS. */
  checkStall(now: number): void;
  /** Events that were not sent one by one because the viewer was slow. */
  readonly skipped: number;
}

type Socket = Pick<WebSocket, 'send' | 'terminate' | 'readyState' | 'bufferedAmount'>;

const OPEN = 1;

export function createViewer(socket: Socket, store: ActorStore, now: () => number = Date.now): Viewer {
  const announced = new Set<string>();
  /** Everything there is, to begin with: a late viewer is a viewer that is behind. */
  const behind = new Set(store.ids());
  let skipped = 0;
  let stalledSince: number | undefined;

  const hasRoom = (): boolean => socket.bufferedAmount < MAX_BUFFERED_BYTES;
  const send = (frame: string): void => {
    if (socket.readyState !== OPEN) return;
    socket.send(frame, () => {
      stalledSince = undefined;
      catchUp();
    });
  };
  const catchUp = (): void => {
    for (const sessionId of behind) {
      if (!hasRoom()) {
        stalledSince ??= now();
        return;
      }
      behind.delete(sessionId);
      const record = store.get(sessionId);
      if (record === undefined) continue;
      if (!announced.has(sessionId)) {
        announced.add(sessionId);
        send(actorFrame(record));
        for (const event of record.events) send(eventFrame(record, event));
      }
      send(snapshotFrame(record));
    }
  };
  catchUp();

  return {
    tell(change, frames) {
      if (change.kind === 'forgotten') {
        announced.delete(change.sessionId);
        behind.delete(change.sessionId);
        return;
      }
      const { sessionId } = change.record;
      // An actor told anew (another machine version) is announced anew.
      if (change.kind === 'actor') announced.delete(sessionId);
      if (announced.has(sessionId) && !behind.has(sessionId) && hasRoom()) {
        for (const frame of frames()) send(frame);
        return;
      }
      if (change.kind === 'step' && announced.has(sessionId)) skipped += change.events.length;
      behind.add(sessionId);
      catchUp();
    },
    checkStall(at) {
      if (stalledSince !== undefined && at - stalledSince >= STALL_MS) socket.terminate();
    },
    get skipped() {
      return skipped;
    },
  };
}

/** What a viewer who is up to date gets for a step. */
export function framesOf({ record, events }: Extract<Change, { kind: 'step' }>): readonly string[] {
  return [...events.map((event) => eventFrame(record, event)), snapshotFrame(record)];
}

// The wire protocol of @statelyai/inspect 0.7: one JSON object a text frame. `turn`, `value` and `costs` are ours; its receivers
// pass what they do not know on.

/** The protocol's version, which receivers ask for. */
const PROTOCOL_VERSION = '0.7.2';

function actorFrame(record: ActorRecord): string {
  return JSON.stringify({
    type: '@xstate.actor',
    name: record.sessionId,
    ...envelope(record, record.createdAt),
    ...(record.parentId === undefined ? {} : { parentId: record.parentId }),
    definition: JSON.stringify(record.definition),
    snapshot: record.snapshot,
    turn: record.turn,
    ...(record.costs === undefined ? {} : { costs: record.costs }),
  });
}

function eventFrame(record: ActorRecord, { at, event, value }: RecentEvent): string {
  return JSON.stringify({ type: '@xstate.event', event, value, ...envelope(record, at) });
}

function snapshotFrame(record: ActorRecord): string {
  return JSON.stringify({
    type: '@xstate.snapshot',
    event: record.events.at(-1)?.event ?? { type: 'xstate.init' },
    snapshot: record.snapshot,
    turn: record.turn,
    ...(record.costs === undefined ? {} : { costs: record.costs }),
    ...envelope(record, record.changedAt),
  });
}

function envelope({ sessionId, rootId }: ActorRecord, at: number) {
  return { sessionId, rootId, id: null, createdAt: String(at), _version: PROTOCOL_VERSION };
}
