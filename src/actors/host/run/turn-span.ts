// The span of turns that run together: what came, where the machine was before and after it, and why an input failed.
import { type Span, SpanKind } from '@opentelemetry/api';
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import type { Json } from '../../../contract/json.ts';
import { cutText } from '../../../contract/sizes.ts';
import type { CoreState, MachineRef, TurnInput } from '../../../contract/turn.ts';
import type { WorkerResponse } from '../../../contract/worker.ts';
import { ATTR, SPAN } from '../../../observability/span-names.ts';
import { inSpan, recordFailure } from '../../../observability/telemetry.ts';

interface Turns {
  readonly machine: MachineRef;
  readonly actor: ActorAddress;
  readonly core: CoreState | null;
  readonly inputs: readonly TurnInput[];
}

export function inTurnSpan(
  { machine, actor, core, inputs }: Turns,
  run: () => Promise<WorkerResponse>,
): Promise<WorkerResponse> {
  const attributes = {
    [ATTR.actor]: formatAddress(actor),
    [ATTR.machine]: machine.type,
    [ATTR.machineVersion]: machine.version,
    [ATTR.turn]: core?.turn ?? 0,
    [ATTR.event]: eventsOf(inputs),
    [ATTR.stateFrom]: stateText(core),
  };
  return inSpan(SPAN.turn(machine.type), { kind: SpanKind.INTERNAL, attributes }, async (span) => {
    const response = await run();
    show(span, response);
    return response;
  });
}

const MAX_TEXT_BYTES = 256;
const MAX_EVENTS = 10;

/** Types only: what an event holds may be private. */
function eventsOf(inputs: readonly TurnInput[]): string {
  const types = new Set(inputs.map((input) => (input.kind === 'event' ? input.event.type : input.kind)));
  const shown = [...types].slice(0, MAX_EVENTS);
  return cutText([...shown, ...(types.size > MAX_EVENTS ? ['…'] : [])].join(), MAX_TEXT_BYTES);
}

function stateText(core: CoreState | null): string {
  const { value } = (core?.snapshot ?? {}) as { readonly value?: Json };
  if (value === undefined) return '';
  return cutText(typeof value === 'string' ? value : JSON.stringify(value), MAX_TEXT_BYTES);
}

/** Red where an input failed: by a machine that threw, or one that did not let it be. */
function show(span: Span, response: WorkerResponse): void {
  if (response.kind === 'failed') return recordFailure(span, response.error);
  if (response.kind !== 'turn') return;
  const { state, verdicts, stoppedBy } = response.result;
  span.setAttribute(ATTR.stateTo, stateText(state));
  for (const verdict of verdicts) {
    if (verdict.kind === 'rejected') recordFailure(span, verdict.error);
    else if (verdict.kind === 'applied' && verdict.failure !== undefined)
      recordFailure(span, verdict.failure);
  }
  if (stoppedBy !== undefined) recordFailure(span, stoppedBy);
}
