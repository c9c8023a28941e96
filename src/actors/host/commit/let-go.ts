// What an actor no longer waits for although it was never answered. Its marks are stored before anything else of the turn leaves,
// so that nobody begins such work any more (docs/decisions/0090); retries of it that lie in the broker are taken back.
import type { ActorAddress } from '../../../contract/address.ts';
import { formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import { answeredIn } from '../../../contract/scatter.ts';
import type { CoreState, TurnInput, TurnResult } from '../../../contract/turn.ts';
import { executionMark, lifeMark } from '../../protocol/lineage.ts';
import type { OutboxEntry, UnsentEntry } from '../state/session-state.ts';
import { endOfLeft } from '../unsent/deadlines.ts';

/** Attempts that run when their deadline comes end by their own limit of time: they are told as well. */
const LONGEST_ATTEMPT_MS = 3_600_000;
/** Work below a child has deadlines of its own; by then the child has ended too, and has marks of its own. */
const LONGEST_CHILD_MS = 7 * 24 * 3_600_000;

export interface LetGoContext {
  readonly actor: ActorAddress;
  readonly now: number;
  readonly duplicateWindowMs: number;
  /** It ends without its core: nobody knows what it waits for. */
  readonly isLost: boolean;
  /** What of it has no deadline yet, for it has not left as a whole. */
  readonly unsent?: readonly UnsentEntry[] | undefined;
}

export interface LetGo {
  readonly first: readonly OutboxEntry[];
  readonly last: readonly OutboxEntry[];
  /** The executions, but for those that have to be done in any case. */
  readonly closed: ReadonlySet<string>;
  /** Tasks and fan-outs that were asked for by this very batch: they need not leave. */
  readonly unborn: ReadonlySet<string>;
  /** When the last of it can still cost something (epoch ms); 0 where nothing can. */
  readonly openUntil: number;
}

interface Open {
  readonly execution: string;
  readonly cancel?: 'ignore' | undefined;
  readonly kind: 'task' | 'scatter' | 'child';
  readonly deadlineAt?: number | undefined;
  /** By a turn of this batch. */
  readonly isNew?: true;
}

/** A mark for each execution that was closed, or one for all of a life that has ended; in front of everything else. */
export function letGo(
  before: CoreState | null,
  result: Pick<TurnResult, 'state' | 'gathers' | 'effects'>,
  items: readonly { readonly input: TurnInput }[],
  { actor, now, duplicateWindowMs, isLost, unsent = [] }: LetGoContext,
): LetGo {
  const { state: after } = result;
  if (after === null) return NOTHING;
  const closed = closedOf(before, result, items, after).map((open) => ({
    ...open,
    deadlineAt: endOf(open, unsent, now),
  }));
  const ended = after.status !== 'active' && (before === null || before.status === 'active');
  if (closed.length === 0 && !(ended && isLost)) return NOTHING;
  const name = formatAddress(actor);
  const { incarnation } = after;
  const marks = ended
    ? [lifeMark(name, incarnation)]
    : closed.map(({ execution }) => executionMark(name, incarnation, execution));
  const ends = closed.map(({ kind, deadlineAt }) =>
    kind === 'child' ? now + LONGEST_CHILD_MS : Math.max(now, deadlineAt ?? now) + LONGEST_ATTEMPT_MS,
  );
  const until = Math.max(now + (isLost ? LONGEST_CHILD_MS : 0), ...ends) + duplicateWindowMs;
  const entity = actorQueue(actor.type);
  const opens = closed.map(({ kind, deadlineAt }) =>
    kind === 'child' ? now + CHILD_OPEN_MS : Math.max(now, deadlineAt ?? now),
  );
  return {
    openUntil: Math.max(0, ...opens),
    closed: new Set(closed.map(({ execution }) => execution)),
    unborn: new Set(
      closed.flatMap(({ execution, kind, isNew }) => (isNew && kind !== 'child' ? execution : [])),
    ),
    first: [{ kind: 'close', marks, until }],
    // No retry is scheduled beyond a deadline.
    last: closed.flatMap(({ execution, kind, deadlineAt = now }): OutboxEntry[] =>
      kind === 'child' || deadlineAt <= now ? [] : [{ kind: 'cancel', entity, execution }],
    ),
  };
}

/** Undefined where nothing of it ever left. */
function endOf(
  { execution, kind, deadlineAt, isNew }: Open,
  unsent: readonly UnsentEntry[],
  now: number,
): number | undefined {
  return kind === 'child' || isNew ? undefined : endOfLeft(execution, deadlineAt, unsent, now);
}

const NOTHING: LetGo = { first: [], last: [], openUntil: 0, closed: new Set(), unborn: new Set() };

/** A child that costs more later says so itself. */
const CHILD_OPEN_MS = 600_000;

/** By anything but their answers; also those that were opened by an earlier turn of this batch. */
function closedOf(
  before: CoreState | null,
  { gathers, effects }: Pick<TurnResult, 'gathers' | 'effects'>,
  items: readonly { readonly input: TurnInput }[],
  after: CoreState,
): Open[] {
  const known = Object.entries(before?.executions ?? {}).map(
    ([execution, { kind, deadlineAt, cancel }]): Open => ({ execution, kind, deadlineAt, cancel }),
  );
  const opened = effects.flatMap(({ effect }): Open[] => {
    if (effect.kind === 'startChild') return [{ execution: effect.execution, kind: 'child' }];
    if (effect.kind !== 'task' && effect.kind !== 'scatter') return [];
    const { kind, execution, deadlineAt } = effect;
    return [
      {
        kind,
        execution,
        deadlineAt,
        cancel: effect.kind === 'task' ? effect.cancel : effect.plan.cancel,
        isNew: true,
      },
    ];
  });
  const answered = new Set(
    items.flatMap(({ input }) =>
      input.kind === 'reply' && input.branch === undefined ? [input.execution] : [],
    ),
  );
  const complete = new Set(
    gathers.flatMap(({ execution, gather }) => (answeredIn(gather) >= gather.total ? [execution] : [])),
  );
  return [...known, ...opened].filter(
    ({ execution, cancel }) =>
      cancel !== 'ignore' &&
      !Object.hasOwn(after.executions, execution) &&
      !answered.has(execution) &&
      !complete.has(execution),
  );
}
