// A gate for the agent `a` that tests open: what may leave is what they have granted in all.
import type { ControlState, UnsentEntry } from '../../src/actors/host/state/session-state.ts';
import type { Gate } from '../../src/actors/host/unsent/gates.ts';
import { inLife } from '../../src/actors/protocol/ids.ts';
import type { InboundMessage } from '../../src/contract/wire.ts';
import type { Scene } from './fan.ts';
import { inbound } from './inbound.ts';
import { stateOf } from './notes.ts';

/** Opened by grants: so many in all, so many taken. */
interface Counted extends ControlState {
  readonly granted?: number;
  readonly taken?: number;
}

export const gate: Gate = {
  holds: (_, agents) => agents.includes('a'),
  grants: (control: Counted, _, most) => Math.min(most, (control.granted ?? 0) - (control.taken ?? 0)),
  taken: (control: Counted, _work: UnsentEntry, count): Counted => ({
    ...control,
    taken: (control.taken ?? 0) + count,
  }),
  granted: (control: Counted, { value }): Counted => ({
    ...control,
    granted: Math.max(control.granted ?? 0, Number(value)),
  }),
};

export function grant(scene: Scene, total: number): InboundMessage {
  const { incarnation = '' } = stateOf(scene.queue).core ?? {};
  return inbound('granted', { kind: 'granted', execution: inLife('lane', incarnation), value: total });
}
