// The wire protocol of @statelyai/inspect 0.7: one JSON object a text frame. `turn` and `value` are ours; its receivers
// pass what they do not know on.
import type { ActorRecord, RecentEvent } from './store.ts';

/** The protocol's version, which receivers ask for. */
const PROTOCOL_VERSION = '0.7.2';

export function actorFrame(record: ActorRecord): string {
  return JSON.stringify({
    type: '@xstate.actor',
    name: record.sessionId,
    ...envelope(record, record.createdAt),
    ...(record.parentId === undefined ? {} : { parentId: record.parentId }),
    definition: JSON.stringify(record.definition),
    snapshot: record.snapshot,
    turn: record.turn,
  });
}

export function eventFrame(record: ActorRecord, { at, event, value }: RecentEvent): string {
  return JSON.stringify({ type: '@xstate.event', event, value, ...envelope(record, at) });
}

export function snapshotFrame(record: ActorRecord): string {
  return JSON.stringify({
    type: '@xstate.snapshot',
    event: record.events.at(-1)?.event ?? { type: 'xstate.init' },
    snapshot: record.snapshot,
    turn: record.turn,
    ...envelope(record, record.changedAt),
  });
}

function envelope({ sessionId, rootId }: ActorRecord, at: number) {
  return { sessionId, rootId, id: null, createdAt: String(at), _version: PROTOCOL_VERSION };
}
