// Queries: they see the committed state, as XState shows it, and how far each fan-out is. They change nothing.
import type { ActorAddress } from '../../../contract/address.ts';
import { type AsksReport, type AsksState, toClosedAsk } from '../../../contract/asks.ts';
import type { Json } from '../../../contract/json.ts';
import type { CoreState } from '../../../contract/turn.ts';
import {
  type AnswerBody,
  type InboundMessage,
  PROPERTY,
  type QuarantineInfo,
  type QueryAnswer,
} from '../../../contract/wire.ts';
import { look } from '../../../control/look.ts';
import { behalfOf } from '../../protocol/behalf.ts';
import { reportBudget } from '../budget/budget.ts';
import { claimEntries } from '../commit/claim-entries.ts';
import { answer, notFound, tracedWith } from '../commit/verdicts.ts';
import type { HeldActor } from '../held-actor.ts';
import type { ActorHost } from '../host.ts';
import { sendAnswers } from '../outbox/publish.ts';
import { completed, type Settlement } from '../settle.ts';
import type { Query } from '../sort/sort.ts';
import {
  countUnsent,
  isSilent,
  type OutboxEntry,
  type Quarantine,
  type SessionState,
} from '../state/session-state.ts';
import { actorTraceparent } from '../trace.ts';
import { childrenOf, costsOf, cutProgress, inspected, lifeIn, openAsks, progressOf } from './watchers.ts';

export async function answerQueries(
  held: HeldActor,
  queries: readonly Query[],
): Promise<readonly Settlement[]> {
  const { host, address, state } = held;
  const { core } = state;
  const now = host.clock.now();
  const asked = queries.filter(({ message }) => message.properties[PROPERTY.announce] !== true);
  if (asked.length < queries.length) held.announce();
  const entries = asked
    .filter(({ message }) => !isLate(message, now))
    .map(({ message, asker }) =>
      core === null
        ? notFound(message, asker, address)
        : answer(message, asker, bodyFor(message, { address, core, state, now, host })),
    )
    .map(tracedWith(actorTraceparent(state, address, core?.incarnation)));
  let claimed: readonly OutboxEntry[];
  try {
    claimed = await claimEntries(entries, host, address, core?.incarnation ?? '');
  } catch (thrown) {
    return held.leave(thrown);
  }
  await sendAnswers(held, claimed);
  return queries.map(({ message }) => completed(message));
}

interface Asked {
  readonly address: ActorAddress;
  readonly core: CoreState;
  readonly state: SessionState;
  readonly now: number;
  readonly host: Pick<ActorHost, 'pauseOf'>;
}

function bodyFor({ properties }: InboundMessage, asked: Asked): AnswerBody {
  const { address, core, now } = asked;
  const { [PROPERTY.brief]: brief, [PROPERTY.look]: what } = properties;
  if (brief === true) return lifeIn(core);
  const seen = typeof what === 'string' ? seenIn(address, core, what, now) : undefined;
  return (
    seen ?? {
      kind: 'answer',
      answer: 'snapshot',
      snapshot: queryAnswer(asked, properties[PROPERTY.branches] === true),
    }
  );
}

function seenIn({ type }: ActorAddress, core: CoreState, what: string, now: number): AnswerBody | undefined {
  const { context = null } = core.snapshot as { readonly context?: Json };
  const output = look(type, context, parseJson(what), now);
  return output === undefined
    ? undefined
    : { kind: 'answer', answer: 'outcome', outcome: { status: 'done', output } };
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** A query says how long its asker waits, and is dropped when late (I13): all of it by the broker's clock. */
function isLate({ enqueuedAt, properties }: InboundMessage, now: number): boolean {
  const patience = properties[PROPERTY.patience];
  return typeof patience === 'number' && enqueuedAt + patience < now;
}

function queryAnswer({ address: actor, core, state, now, host }: Asked, withBranches: boolean): QueryAnswer {
  const { version, quarantine } = state;
  const costs = costsOf(state.control, core, now);
  const unsent = countUnsent(state.control?.unsent);
  const budget = reportBudget(state.control ?? {});
  const children = childrenOf(core);
  return {
    ...inspected(core),
    turn: core.turn,
    version,
    ...(core.parent === undefined ? {} : { parent: core.parent.address }),
    ...behalfOf(state.control ?? {}),
    ...(unsent === 0 ? {} : { unsent }),
    ...pausedOf(core, host),
    ...(costs === undefined ? {} : { costs }),
    ...(budget === undefined ? {} : { budget }),
    ...(core.asks === undefined ? {} : { asks: asksOf(actor, core, core.asks) }),
    ...(children.length === 0 ? {} : { children }),
    gathers:
      core.cut === undefined ? progressOf(core, now, state.control, withBranches) : core.cut.map(cutProgress),
    ...(quarantine === undefined || isSilent(quarantine) ? {} : { quarantine: toInfo(quarantine) }),
  };
}

/** Of what it waits for. */
function pausedOf({ executions }: CoreState, { pauseOf }: Asked['host']): Pick<QueryAnswer, 'paused'> {
  if (pauseOf === undefined) return {};
  const agents = Object.values(executions).flatMap((execution) => {
    if (execution.kind === 'task') return [execution.agent];
    return execution.kind === 'scatter' ? execution.gather.agents : [];
  });
  const paused = [...new Set(agents)].flatMap((agent) => {
    const pause = pauseOf(agent);
    return pause === undefined ? [] : [[agent, pause] as const];
  });
  return paused.length === 0 ? {} : { paused: Object.fromEntries(paused) };
}

function asksOf(actor: ActorAddress, core: CoreState, { closed }: AsksState): AsksReport {
  return { open: openAsks(actor, core), closed: closed.map((one) => toClosedAsk(actor, one)) };
}

function toInfo({ code, message, since, parked }: Quarantine): QuarantineInfo {
  return { code, message, since, held: parked.length };
}
