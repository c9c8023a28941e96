// Watchers of an actor: clients that follow its transitions. They lie in the state beside the core, each for a lease that the
// client renews; a batch of turns tells each of them in one message, which leaves with the batch's commit.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import type { ReplyAddress } from '../../../contract/effect.ts';
import type { Json } from '../../../contract/json.ts';
import type { InspectedSnapshot } from '../../../contract/ports.ts';
import { MAX_BODY_BYTES } from '../../../contract/sizes.ts';
import type { CoreState, StepReport, TurnResult } from '../../../contract/turn.ts';
import type { TransitionsBody } from '../../../contract/wire.ts';
import { hashId } from '../../protocol/ids.ts';
import { toAnswer } from '../../protocol/messages.ts';
import type { ActorHost } from '../host.ts';
import type { OutboxEntry, SessionState, Watcher } from '../state/session-state.ts';

// What the inspector, queries and watchers see of a committed core.

export function inspected(core: CoreState): InspectedSnapshot {
  const { value = null, context = null } = core.snapshot as {
    readonly value?: Json;
    readonly context?: Json;
  };
  return {
    status: core.status,
    value,
    context,
    tags: core.tags,
    ...(core.output === undefined ? {} : { output: core.output }),
    ...(core.error === undefined ? {} : { error: core.error }),
  };
}

/** Tells the inspector of a committed batch. The sink knows which actors it has seen; a definition is sent by reference. */
export function inspectCommit(host: ActorHost, address: ActorAddress, result: TurnResult): void {
  const { state } = result;
  if (state === null) return;
  const snapshot = inspected(state);
  host.inspection.actor({
    address,
    definition: host.definition,
    snapshot,
    ...(state.parent === undefined ? {} : { parent: state.parent.address }),
  });
  host.inspection.step({ address, events: result.steps, snapshot, turn: state.turn });
}

export function withWatchers(state: SessionState, watchers: readonly Watcher[]): SessionState {
  return watchers.length === 0 && state.watchers === undefined ? state : { ...state, watchers };
}

export function current(watchers: readonly Watcher[], now: number): readonly Watcher[] {
  return watchers.filter(({ until }) => until > now);
}

/** What every watcher is told of one batch. */
export function tellWatchers(
  watchers: readonly Watcher[],
  actor: ActorAddress,
  core: CoreState,
  steps: readonly StepReport[],
): OutboxEntry[] {
  if (watchers.length === 0 || (steps.length === 0 && core.status === 'active')) return [];
  const body = describeSteps(core, steps);
  const idFor = ({ sessionId, correlationId }: ReplyAddress): string =>
    hashId('watch', formatAddress(actor), core.incarnation, core.turn, sessionId, correlationId);
  return watchers.map(({ to }) => ({ kind: 'message', message: toAnswer(to, idFor(to), body) }));
}

/** What does not fit in one message is left out, the largest first: events' contents, then all but the last step, then the end's. */
export function describeSteps(core: CoreState, steps: readonly StepReport[]): TransitionsBody {
  const { status, value, output, error } = inspected(core);
  const { incarnation, turn } = core;
  const place = { kind: 'answer', answer: 'transitions', incarnation, turn, status, value } as const;
  const end = { ...(output === undefined ? {} : { output }), ...(error === undefined ? {} : { error }) };
  const bare = steps.map((step) => ({ event: { type: step.event.type }, value: step.value }));
  const whole: TransitionsBody = { ...place, steps, ...end };
  const smaller: readonly TransitionsBody[] = [
    { ...place, steps: bare, ...end },
    { ...place, steps: bare.slice(-1), ...end },
    { ...place, steps: bare.slice(-1) },
  ];
  return [whole, ...smaller].find(fits) ?? { ...place, steps: [] };
}

function fits(body: TransitionsBody): boolean {
  return Buffer.byteLength(JSON.stringify(body)) <= MAX_BODY_BYTES;
}
