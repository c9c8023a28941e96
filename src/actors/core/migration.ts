// A machine's own migration. Each thing that the actor waits for is carried over to the new version or dropped; where neither
// is said, the migration is refused (I14).
import type { AnyStateMachine } from 'xstate';
import { checkJson } from '../../contract/border.ts';
import type { Migration } from '../../contract/config.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { CoreState, Execution, Timer, TurnRequest, TurnResult } from '../../contract/turn.ts';
import { closeQuestion } from './asks.ts';
import { Draft } from './draft.ts';
import { closeExecution } from './executions.ts';
import { isGenerated, Names } from './invokes.ts';
import { LiveMachine } from './live.ts';
import { mapReferences } from './references.ts';
import { cancelTimersNamed } from './timers.ts';

export interface Moved {
  readonly state: CoreState;
  /** Stops the children and takes back the timers that were dropped. */
  readonly effects: TurnResult['effects'];
}

export function migrateState(
  machine: AnyStateMachine,
  request: TurnRequest & { readonly state: CoreState },
  { name, from, move }: { readonly name: string; readonly from: string; readonly move: Move },
): Moved {
  const of = `${name}() of machine ${request.machine.type}, from version ${from}`;
  try {
    const migration = parse(move(structuredClone(request.state.snapshot), from));
    return carryOver(machine, request, migration);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const isUnfit = thrown instanceof QuorateError && thrown.code === 'STATE_INCOMPATIBLE';
    throw new QuorateError(isUnfit ? 'STATE_INCOMPATIBLE' : 'MIGRATION_FAILED', `${of}: ${why}`, {
      cause: thrown,
    });
  }
}

/** A new version without a migration takes the state as it is, unless it would lose what runs. */
export function keepState(
  machine: AnyStateMachine,
  request: TurnRequest & { readonly state: CoreState },
  from: string,
): Moved {
  const { state, machine: ref } = request;
  const of = `version ${ref.version} of machine ${ref.type}, without a migrate from version ${from}`;
  const active = activeNames(machine, request, state.snapshot, `${of}: the actor's state does not fit`);
  refuseLoss(machine, state, active, [`${of}, would lose`, 'give it one that returns']);
  return { state, effects: [] };
}

type Move = (snapshot: Json, from: string) => unknown;

type Given = Omit<Migration, 'snapshot'> & { readonly snapshot: JsonObject };

function parse(given: unknown): Given {
  if (typeof given !== 'object' || given === null) throw noSnapshot();
  const {
    snapshot,
    renamed = {},
    dropped = [],
  } = 'value' in given ? { snapshot: given } : (given as Migration);
  if (typeof snapshot !== 'object' || snapshot === null || !('value' in snapshot)) throw noSnapshot();
  if (!isRecord(renamed) || !Object.values(renamed).every(isText))
    throw new TypeError('`renamed` is not an object of old names and new ones');
  if (!Array.isArray(dropped) || !dropped.every(isText))
    throw new TypeError('`dropped` is not a list of names');
  const json = checkJson(snapshot, { of: 'what it gave', path: 'snapshot', code: 'OUTPUT_INVALID' });
  return { snapshot: json as JsonObject, renamed, dropped };
}

function noSnapshot(): TypeError {
  return new TypeError('it gave no snapshot; return the one it is given, changed');
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function carryOver(
  machine: AnyStateMachine,
  request: TurnRequest & { readonly state: CoreState },
  { snapshot, renamed = {}, dropped = [] }: Given,
): Moved {
  const draft = new Draft(request, {});
  const names = new Names(machine, renamed, dropped);
  const kept = new Set(activeNames(machine, request, { ...snapshot, children: {} }).all);
  const gone = letGo(draft, names);
  const { executions, timers, children, newNames } = rename(draft, (id) => names.newName(id, kept));
  const own = isRecord(snapshot['children']) ? (snapshot['children'] as JsonObject) : {};
  const follow = <T>(value: T): T =>
    newNames.size === 0
      ? value
      : (mapReferences(value as Json, (id) => ({ xstate$$type: 1, id: newNames.get(id) ?? id })) as T);
  const moved: JsonObject = {
    ...follow<JsonObject>(snapshot),
    children: Object.fromEntries(
      Object.entries(own)
        .filter(([id]) => !gone.has(id))
        .map(([id, child]) => [children.has(id) ? (newNames.get(id) ?? id) : id, child]),
    ),
  };
  const active = activeNames(machine, request, moved);
  refuseLoss(machine, { executions, timers }, active, ['it would lose', 'return']);
  const effects = draft.effects;
  return {
    state: {
      ...request.state,
      turn: draft.turn,
      snapshot: moved,
      tags: active.tags,
      executions,
      timers: follow(timers),
      ...renamedAsks(draft, names),
    },
    effects,
  };
}

/**
 * Ends what `dropped` names, as leaving its state would. It is a turn if anybody has to be told. Gives the ids of the
 * children.
 */
function letGo(draft: Draft, names: Names): ReadonlySet<string> {
  const gone = new Set<string>();
  let letsGo = false;
  draft.begin();
  for (const [id, { childId }] of draft.executions.entries()) {
    if (!names.isDropped(childId)) continue;
    letsGo = true;
    gone.add(childId);
    closeExecution(draft, id, 'stop');
  }
  for (const [ask, { state }] of Object.entries(draft.asks?.open ?? {})) {
    if (!names.dropsState(state)) continue;
    letsGo = true;
    closeQuestion(draft, ask, { how: 'left' });
  }
  for (const [, { what }] of draft.timers.entries())
    if (what.kind === 'raise' && names.isDropped(what.sendId)) {
      letsGo = true;
      cancelTimersNamed(draft, what.sendId);
    }
  if (letsGo) draft.apply();
  return gone;
}

function rename(draft: Draft, newName: (id: string) => string) {
  const newNames = new Map<string, string>();
  const children = new Set<string>();
  const taken = new Set<string>();
  const executions: Record<string, Execution> = {};
  for (const [id, execution] of draft.executions.entries()) {
    const childId = newName(execution.childId);
    if (taken.has(childId)) throw new Error(`\`renamed\` calls two of what is running '${childId}'`);
    taken.add(childId);
    children.add(execution.childId);
    if (childId !== execution.childId) newNames.set(execution.childId, childId);
    executions[id] = { ...execution, childId };
  }
  const timers: Record<string, Timer> = {};
  for (const [token, timer] of draft.timers.entries()) {
    const { what } = timer;
    timers[token] = isAfter(what)
      ? {
          ...timer,
          what: {
            ...what,
            sendId: newName(what.sendId),
            event: { ...what.event, type: newName(what.sendId) },
          },
        }
      : timer;
  }
  return { executions, timers, children, newNames };
}

/** A question follows its state; one whose state is not there any more is withdrawn at the next turn. */
function renamedAsks({ asks }: Draft, names: Names): Pick<CoreState, 'asks'> {
  if (asks === undefined) return {};
  const open = Object.entries(asks.open).map(([ask, question]) => {
    const state = names.newPath(question.state) ?? question.state;
    return [ask, { ...question, state }] as const;
  });
  return { asks: { ...asks, open: Object.fromEntries(open) } };
}

function isAfter(what: Timer['what']): what is Extract<Timer['what'], { kind: 'raise' }> {
  return what.kind === 'raise' && what.event.type === what.sendId && isGenerated(what.sendId);
}

interface Active {
  readonly tags: readonly string[];
  readonly children: ReadonlySet<string>;
  readonly invokes: ReadonlySet<string>;
  readonly events: ReadonlySet<string>;
  /** Invokes and events. */
  readonly all: readonly string[];
}

function activeNames(
  machine: AnyStateMachine,
  { address, state }: TurnRequest,
  snapshot: Json,
  fault = 'what it gave does not fit the machine',
): Active {
  const { childId = address.id, system = {} } = state?.parent ?? {};
  const live = new LiveMachine(machine, { id: childId, sessionId: address.id, names: system });
  try {
    live.restore(snapshot);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new QuorateError('STATE_INCOMPATIBLE', `${fault}: ${why}`, { cause: thrown });
  }
  const { _nodes: nodes = [], tags = [], children = {} } = live.snapshot ?? {};
  const invokes = nodes.flatMap(({ invoke }) => invoke.map(({ id }) => id));
  const events = nodes.flatMap(({ ownEvents }) => ownEvents as string[]);
  return {
    tags: [...tags],
    children: new Set(Object.keys(children)),
    invokes: new Set(invokes),
    events: new Set(events),
    all: [...invokes, ...events],
  };
}

/** Throws when the machine would ignore the end of something that runs: the actor would wait for ever. */
function refuseLoss(
  machine: AnyStateMachine,
  { executions, timers }: Pick<CoreState, 'executions' | 'timers'>,
  active: Active,
  [loses, remedy]: readonly [loses: string, remedy: string],
): void {
  const names = new Names(machine);
  const lost: { readonly what: string; readonly name: string }[] = [];
  for (const { childId, src, invoked } of Object.values(executions)) {
    const isInvoke = invoked === true || isGenerated(childId) || names.isInvoke(childId);
    if (active.children.has(childId) && (!isInvoke || active.invokes.has(childId))) continue;
    lost.push({ what: `'${src}', running as '${childId}'`, name: names.short(childId) });
  }
  for (const { what } of Object.values(timers))
    if (isAfter(what) && !active.events.has(what.sendId))
      lost.push({ what: `timer '${what.sendId}'`, name: names.short(what.sendId) });
  if (lost.length === 0) return;
  const [first] = [...new Set(lost.map(({ name }) => name))];
  throw new QuorateError(
    'STATE_INCOMPATIBLE',
    `${loses} ${lost.map(({ what }) => what).join(' and ')}; ${remedy} { snapshot, renamed: { '${first}': 'its new name' } } to carry over, or { snapshot, dropped: ['${first}'] } to let go`,
  );
}
