// Messages for the note machine, and what it says about itself: shared by the tests of the commit protocol.
import type { SessionState } from '../../src/actors/host/state/session-state.ts';
import { decodeState } from '../../src/actors/host/state/written-state.ts';
import type { Json } from '../../src/contract/json.ts';
import type { InboundMessage } from '../../src/contract/wire.ts';
import type { FakeQueue } from './fake-queue.ts';
import { inbound } from './inbound.ts';

export const asker = { entity: 'replies', sessionId: 'client', correlationId: 'c' };

type More = Partial<InboundMessage>;

export const start = (more: More = {}, body: Record<string, Json> = {}): InboundMessage =>
  inbound('start', { kind: 'start', input: null, ...body }, more);
export const event = (type: string, fields: Record<string, Json> = {}, more: More = {}): InboundMessage =>
  inbound('event', { kind: 'event', event: { type, ...fields } }, more);
export const note = (n: number, more: More = {}): InboundMessage => event('note', { n }, more);
export const query = (more: More = {}): InboundMessage => inbound('query', { kind: 'query', asker }, more);
export const partial = (execution: string, seq: number): InboundMessage =>
  inbound('partial', { kind: 'partial', execution, seq, value: `p${seq}` });
export const reply = (execution: string, output: Json = 'end'): InboundMessage =>
  inbound('reply', { kind: 'reply', execution, outcome: { status: 'done', output } });

export function stateOf(queue: FakeQueue): SessionState {
  const decoded = decodeState(queue.state, '', () => true, 0);
  if (decoded.kind === 'state') return decoded.state;
  throw new Error(decoded.kind === 'none' ? 'there is no state' : decoded.why);
}

export function notesOf(queue: FakeQueue): (number | string)[] {
  const snapshot = stateOf(queue).core?.snapshot as { context: { notes: (number | string)[] } } | undefined;
  return snapshot?.context.notes ?? [];
}

/** What was emitted, once per message id, in the order in which the broker took it. */
export function emitted(queue: FakeQueue): (number | string)[] {
  return queue.sent
    .filter(({ entity }) => entity === 'events')
    .map(({ body }) => (body as unknown as { event: { n: number | string } }).event.n);
}
