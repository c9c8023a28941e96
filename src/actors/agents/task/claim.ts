// Which process runs a task. An agent that is `exclusive` claims its task in the store: where the lock of the task's message is lost,
// because the broker or this host was away for a while, another host that is handed the task finds it taken, puts it off, and answers
// from the store. So nobody pays twice; and who cancels the task knows whom to tell. A process says from time to time that it lives;
// what a dead one had is free. A lock lasts for seconds, so a task that is handed out for the first time is only looked for, and
// claimed when it has run for a moment: one that is quick costs a read.
import { limitSignal } from '../../../common/signals.ts';
import type { ClaimedTask, TaskClaimStore } from '../../../contract/payload.ts';
import type { Clock, Logger } from '../../../contract/ports.ts';
import { hashId } from '../../protocol/ids.ts';

/** A lock is renewed when half of it is left, or an eighth less: who gets the task of a dead process finds that it is dead. */
const ALIVE_PER_LOCK = 3;
const TELLS_PER_ALIVE = 3;
/** A fiftieth of the shortest lock: nobody is handed the task before its claim is there. */
const CLAIM_AFTER_MS = 100;
/** How often a task that another host runs is looked at. */
const ELSEWHERE_MS = 5_000;

export interface TaskClaimOptions {
  readonly store: TaskClaimStore;
  /** Opens this process's session in the queue of replies, when the first task is claimed, and gives its name. */
  readonly listen: () => string;
  readonly lockDurationMs: number;
  /** Called when a task that runs already is claimed, with its marks. */
  readonly onClaimed?: (marks: readonly string[]) => unknown;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface TaskClaim {
  /** Aborts when the lock of the message is lost, and the claim with it or the deadline is near. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface Wanted {
  readonly key: string;
  readonly marks: readonly string[];
  /** Aborts when the lock of its message is lost. */
  readonly lost: AbortSignal;
  /** Nobody waits for it then (epoch ms): a message that ran out has no lock either. */
  readonly deadlineAt: number;
  /** It was handed out before: another process may run it, so it is claimed before it begins. */
  readonly isAgain: boolean;
}

export type Claimed =
  /** `isRepeat`: it ran in this process until now, so that there may be a result. */
  | { readonly kind: 'held'; readonly claim: TaskClaim; readonly isRepeat: boolean }
  /** Another process runs it: look again then (epoch ms). */
  | { readonly kind: 'elsewhere'; readonly at: number }
  /** The lock of its message was lost while it was waited for. */
  | { readonly kind: 'lost' };

export interface TaskClaims {
  /** Rejects when the store does not answer. */
  take(wanted: Wanted): Promise<Claimed>;
  /** Once nothing is held any more. */
  stop(): Promise<void>;
}

/** A task as the store names it. `marks` as `marksOfWork` gives them: of the execution, and of its asker's life. */
function claimedTask(key: string, [execution = NOBODY, life = NOBODY]: readonly string[]): ClaimedTask {
  return { life, execution, key: hashId(key) };
}

/** In the place of a mark: nobody can cancel it. */
const NOBODY = '-';

interface Held {
  readonly task: ClaimedTask;
  readonly marks: readonly string[];
  readonly lost: AbortController;
  readonly deadlineAt: number;
  readonly ended: Promise<void>;
  isUnlocked: boolean;
  /** Until its claim is in the store, or another's was found there. */
  soon?: NodeJS.Timeout | undefined;
  claiming?: Promise<void> | undefined;
  isClaimed: boolean;
}

export function createTaskClaims(options: TaskClaimOptions): TaskClaims {
  const { store, listen, clock, logger } = options;
  let name: string | undefined;
  const aliveMs = options.lockDurationMs / ALIVE_PER_LOCK;
  const tellMs = aliveMs / TELLS_PER_ALIVE;
  const held = new Map<string, Held>();
  let aliveUntil = -Infinity;
  let telling: NodeJS.Timeout | undefined;
  let isStopped = false;

  const self = (): string => (name ??= listen());
  const tell = async (): Promise<void> => {
    const until = clock.now() + aliveMs;
    await store.setAlive(self(), until);
    aliveUntil = until;
  };
  const owner = async (task: ClaimedTask): Promise<string> => {
    if (clock.now() >= aliveUntil - tellMs) await tell();
    const first = await store.take(task, self());
    if (first === self()) return first;
    const until = await store.aliveUntil(first);
    return until !== undefined && until > clock.now() ? first : store.takeOver(task, first, self());
  };
  /** Where the store does not answer it is tried again when the process says next that it lives. */
  const claim = (one: Held): Promise<void> => {
    clearTimeout(one.soon);
    one.claiming ??= (async () => {
      try {
        if ((await owner(one.task)) !== self()) return one.lost.abort();
        one.isClaimed = true;
        options.onClaimed?.(one.marks);
      } catch (error) {
        logger.debug('a task was not claimed', { reason: String(error), task: one.task.key });
      } finally {
        one.claiming = undefined;
      }
    })();
    telling ??= tellLater();
    return one.claiming;
  };
  /** Ends what has lost its lock where the claim does not hold either. */
  const check = async (one: Held): Promise<void> => {
    if (!one.isUnlocked || one.lost.signal.aborted) return;
    if (!one.isClaimed) await claim(one);
    const isWanted = clock.now() + tellMs < one.deadlineAt;
    const isAlive = isWanted && one.isClaimed && clock.now() < aliveUntil;
    const isOurs = isAlive && (await store.take(one.task, self()).catch(self)) === self();
    if (!isOurs) one.lost.abort();
  };
  const tellAgain = async (): Promise<void> => {
    try {
      await tell();
    } catch (error) {
      logger.debug('the store was not told that this process lives', { reason: String(error) });
    }
    await Promise.all([...held.values()].map((one) => (one.isClaimed ? check(one) : claim(one))));
    telling = held.size === 0 || isStopped ? undefined : tellLater();
  };
  const tellLater = (): NodeJS.Timeout => setTimeout(() => void tellAgain(), tellMs).unref();

  return {
    take: async (wanted) => {
      const { key, marks, lost, deadlineAt, isAgain } = wanted;
      let isRepeat = false;
      // Its message came to this process again: the first one answers for both.
      for (let first = held.get(key); first !== undefined; first = held.get(key)) {
        isRepeat = true;
        if (await isOverFirst(first.ended, lost)) continue;
        return { kind: 'lost' };
      }
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const one: Held = {
        task: claimedTask(key, marks),
        marks,
        lost: new AbortController(),
        deadlineAt,
        ended,
        isUnlocked: lost.aborted,
        isClaimed: false,
      };
      held.set(key, one);
      const unlock = (): void => {
        one.isUnlocked = true;
        void check(one);
      };
      const letGo = (): void => {
        clearTimeout(one.soon);
        held.delete(key);
        lost.removeEventListener('abort', unlock);
        end();
      };
      try {
        if (isAgain || one.isUnlocked || (await store.ownerOf(one.task)) !== undefined) {
          if ((await owner(one.task)) !== self()) {
            letGo();
            return { kind: 'elsewhere', at: clock.now() + ELSEWHERE_MS };
          }
          one.isClaimed = true;
          telling ??= tellLater();
        } else one.soon = setTimeout(() => void claim(one), CLAIM_AFTER_MS).unref();
      } catch (error) {
        letGo();
        throw error;
      }
      // It may have been lost while the store was asked.
      if (lost.aborted) unlock();
      else lost.addEventListener('abort', unlock, { once: true });
      const release = async (): Promise<void> => {
        letGo();
        await one.claiming;
        if (!one.isClaimed) return;
        await store.drop(one.task, self()).catch((error: unknown) => {
          logger.debug('a claim of a task was not dropped', { reason: String(error), task: key });
        });
      };
      return { kind: 'held', claim: { lost: one.lost.signal, release }, isRepeat };
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(telling);
      if (name === undefined) return;
      await store.forget(name).catch((error: unknown) => {
        logger.debug('the end of this process was not noted', { reason: String(error) });
      });
    },
  };
}

async function isOverFirst(over: Promise<void>, lost: AbortSignal): Promise<boolean> {
  const { signal, aborted, release } = limitSignal({ sources: [lost] });
  try {
    await Promise.race([over, aborted]);
    return true;
  } catch {
    return !signal.aborted;
  } finally {
    release();
  }
}
