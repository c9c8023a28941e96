// What a query sees: the committed state, as XState shows it, and how far each fan-out is.
import type { Json } from '../../contract/json.ts';
import type { InspectedSnapshot } from '../../contract/ports.ts';
import type { CoreState } from '../../contract/turn.ts';
import type { AnswerBody, QuarantineInfo, QueryAnswer } from '../../contract/wire.ts';
import type { Quarantine, SessionState } from './session-state.ts';

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

export function answerToQuery(core: CoreState, state: SessionState): AnswerBody {
  return { kind: 'answer', answer: 'snapshot', snapshot: queryAnswer(core, state) };
}

function queryAnswer(core: CoreState, { version, quarantine }: SessionState): QueryAnswer {
  const gathers = Object.values(core.executions).flatMap((execution) => {
    if (execution.kind !== 'scatter') return [];
    const { total, ok, failed, duplicates, startedAt } = execution.gather;
    return [{ childId: execution.childId, total, ok, failed, duplicates, startedAt }];
  });
  return {
    ...inspected(core),
    turn: core.turn,
    version,
    gathers,
    ...(quarantine === undefined || isSilent(quarantine) ? {} : { quarantine: toInfo(quarantine) }),
  };
}

/** It only waits for a target that may be back in a moment. */
function isSilent({ undelivered }: Quarantine): boolean {
  return undelivered !== undefined && undelivered.shown !== true;
}

function toInfo({ code, message, since, held }: Quarantine): QuarantineInfo {
  return { code, message, since, held: held.length };
}
