// Answers of a gather that are too large for the state: they lie in the payload store, in the folder of their asker's family, and the state
// has their references. They are read for the turn in which the gather hands them out. Where they are too large together, the machine
// is given their references; where that cannot be either, an error that has them: what was paid for is not lost.
import { namedByType } from '../../../contract/address.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { PayloadRef } from '../../../contract/payload.ts';
import { answeredIn } from '../../../contract/scatter.ts';
import { MAX_CLAIM_BYTES } from '../../../contract/sizes.ts';
import {
  answersIn,
  type CoreState,
  type Execution,
  type KeptValue,
  type Overflow,
  type Stow,
  type TurnRequest,
  type TurnResult,
} from '../../../contract/turn.ts';
import { isUnreadable, jsonBytes, lifeFolder } from '../../protocol/claims.ts';
import { hashId } from '../../protocol/ids.ts';
import { signRef } from '../../protocol/seals.ts';
import type { ActorView } from '../held-actor.ts';
import type { ReceivedInput } from '../sort/inbox.ts';

/** A larger answer lies in the payload store. The smaller ones that a gather may keep are 4 MB at most. */
const MAX_VALUE_BYTES = 16 * 1024;
/** A larger list of answers is stored as one payload: the error may be kept in a context, or sent on. */
const MAX_ANSWERS_BYTES = 32 * 1024;

/** Codes of a failed commit that are about the values in it. */
const NOT_FIT = new Set(['STATE_TOO_LARGE', 'EFFECT_TOO_LARGE', 'PAYLOAD_NOT_FOUND', 'PAYLOAD_UNREADABLE']);

type Gather = Extract<Execution, { kind: 'scatter' }>['gather'];
type Reply = Extract<ReceivedInput['input'], { kind: 'reply' }>;

/** The items with references beside their large answers. Throws what the storage threw. */
export async function keepAnswers(
  held: ActorView,
  items: readonly ReceivedInput[],
): Promise<readonly ReceivedInput[]> {
  const { executions = {} } = held.state.core ?? {};
  const isLarge = ({ input }: ReceivedInput): boolean =>
    input.kind === 'reply' &&
    input.branch !== undefined &&
    input.kept === undefined &&
    input.outcome.status === 'done' &&
    gatherOf(executions[input.execution])?.collect === 'values' &&
    jsonBytes(input.outcome.output) > MAX_VALUE_BYTES;
  if (!items.some(isLarge)) return items;
  return Promise.all(
    items.map(async (item): Promise<ReceivedInput> => {
      if (!isLarge(item)) return item;
      const { input, message } = item as ReceivedInput & { input: Reply };
      if (input.outcome.status !== 'done') return item;
      // Named by its message: another answer of the same branch must not replace the one that was counted.
      const name = `answer-${hashId(message.messageId, message.sequenceNumber)}`;
      const kept = await put(held, name, input.outcome.output);
      return { ...item, input: { ...input, kept } };
    }),
  );
}

export type Read =
  | { readonly kind: 'values'; readonly values: NonNullable<TurnRequest['payloads']> }
  /** They are too large together, or one of them cannot be read. */
  | { readonly kind: 'unfit'; readonly error: ErrorJson };

/** Reads what a turn asked for. Throws what the storage threw. */
export async function readAnswers(held: ActorView, refs: readonly PayloadRef[]): Promise<Read> {
  const bytes = refs.reduce((sum, ref) => sum + ref.bytes, 0);
  if (bytes > MAX_CLAIM_BYTES) {
    const message = `${refs.length} answers of ${bytes} bytes, at most ${MAX_CLAIM_BYTES} fit into a state`;
    return { kind: 'unfit', error: { code: 'STATE_TOO_LARGE', message } };
  }
  try {
    const values = await Promise.all(
      refs.map(async (ref) => [ref.$payload, await held.host.payloads.get(ref)] as const),
    );
    return { kind: 'values', values: Object.fromEntries(values) };
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (!isUnreadable(error.code)) throw thrown;
    return { kind: 'unfit', error };
  }
}

/** Stores what a turn wanted to be stored. Throws what the storage threw. */
export async function stow(held: ActorView, { execution, answers }: Stow): Promise<TurnRequest['stowed']> {
  return { [execution]: await put(held, answersName(execution), [...answers]) };
}

function answersName(execution: string): string {
  return `answers-${hashId(execution)}`;
}

/**
 * What to try next of the gather that this input answers, or whose deadline it is: undefined when it is about no gather's answers, or
 * nothing is left to try.
 */
export async function overflowOf(
  held: ActorView,
  { input }: ReceivedInput,
  { code, message }: ErrorJson,
  tried: Overflow | undefined,
): Promise<Overflow | undefined> {
  if (tried?.error !== undefined) return undefined;
  if (!NOT_FIT.has(code)) return undefined;
  const { core } = held.state;
  const execution = core === null ? undefined : executionOf(core, input);
  const asked = execution === undefined ? undefined : core?.executions[execution];
  const gather = gatherOf(asked);
  if (execution === undefined || asked === undefined || gather?.collect !== 'values') return undefined;
  const { values, rejected = [] } = gather;
  const all = [...values, ...answerIn(input, gather)];
  // One that cannot be read would be a reference to nothing.
  if (tried === undefined && !isUnreadable(code) && [...all, ...rejected].some((kept) => 'ref' in kept))
    return { execution };
  const listed = answersIn({ ...gather, values: all });
  const { total, ok, failed } = gather;
  return {
    execution,
    error: {
      code,
      message: `gather '${namedByType(asked.childId, held.address.type)}': its answers cannot be handed out: ${message}`,
      data: {
        total,
        ok,
        failed,
        missing: total - answeredIn(gather),
        answers: await small(held, execution, listed),
      },
    },
  };
}

/**
 * Payloads that nothing refers to once this is committed. References that the machine was given stay, in an error too, as long as its
 * family lives; those of a gather that was cut stay with the actor.
 */
export function answersDone(
  before: CoreState | null,
  { state: after, gathers }: Pick<TurnResult, 'state' | 'gathers'>,
  items: readonly ReceivedInput[],
): PayloadRef[] {
  const handedOn = gathers.filter(({ outcome, byReference }) => outcome === 'failed' || byReference === true);
  const still = new Set(
    [...gathersOf(after), ...handedOn.map(({ gather }) => gather)]
      .flatMap(refsIn)
      .map(({ $payload }) => $payload),
  );
  const given = new Set(handedOn.map(({ execution }) => execution));
  const came = items.flatMap(({ input }) =>
    input.kind === 'reply' && input.kept !== undefined && !given.has(input.execution) ? [input.kept] : [],
  );
  const were = gathersOf(before).flatMap(refsIn);
  return [...were, ...came].filter(({ $payload }) => !still.has($payload));
}

function gathersOf(core: CoreState | null): Gather[] {
  const { executions = {}, cut = [] } = core ?? {};
  return [
    ...Object.values(executions).flatMap((execution) => gatherOf(execution) ?? []),
    ...cut.map(({ gather }) => gather),
  ];
}

function refsIn({ values, rejected = [] }: Gather): PayloadRef[] {
  return [...values, ...rejected].flatMap((kept) => ('ref' in kept ? [kept.ref] : []));
}

function gatherOf(execution: Execution | undefined): Gather | undefined {
  return execution?.kind === 'scatter' ? execution.gather : undefined;
}

function executionOf({ timers }: CoreState, input: ReceivedInput['input']): string | undefined {
  if (input.kind === 'reply') return input.branch === undefined ? undefined : input.execution;
  const what = input.kind === 'timer' ? timers[input.token]?.what : undefined;
  return what?.kind === 'deadline' ? what.execution : undefined;
}

/** The answer that did not fit any more. */
function answerIn(input: ReceivedInput['input'], { agents }: Gather): KeptValue[] {
  if (input.kind !== 'reply' || input.branch === undefined || input.outcome.status !== 'done') return [];
  const of = { index: input.branch, agent: agents[input.branch % agents.length] ?? '' };
  return [input.kept === undefined ? { ...of, value: input.outcome.output } : { ...of, ref: input.kept }];
}

async function small(held: ActorView, execution: string, answers: readonly Json[]): Promise<Json> {
  const list = [...answers];
  if (jsonBytes(list) <= MAX_ANSWERS_BYTES) return list;
  return { ...(await put(held, answersName(execution), list)) };
}

/** An error may hand it to anybody. */
async function put(held: ActorView, name: string, value: Json): Promise<PayloadRef> {
  const { payloads } = held.host;
  return signRef(await payloads.seal(), 'value', await payloads.put(folderOf(held), name, value));
}

/** The folder of the family: a child hands references to parents that outlive it. */
function folderOf({ host, address, state }: ActorView): string {
  return state.family ?? lifeFolder(host.payloads.scope, address, state.core?.incarnation ?? '');
}
