// Which process runs a task. An agent that is `exclusive` claims its task in the store before it begins: where the lock of the task's
// message is lost, because the broker or this host was away for a while, another host that is handed the task finds it taken, puts
// it off, and answers from the store. So nobody pays twice; and who cancels the task knows whom to tell. A process says from
// time to time that it lives; what a dead one had is free.
import type { ClaimedTask, TaskClaimStore } from '../../../contract/payload.ts';
import type { Clock, Logger } from '../../../contract/ports.ts';
import { hashId } from '../../protocol/ids.ts';

/** A lock is renewed when half of it is left, or an eighth less: who gets the task of a dead process finds that it is dead. */
const ALIVE_PER_LOCK = 3;
const TELLS_PER_ALIVE = 3;
/** How often a task that another host runs is looked at. */
const ELSEWHERE_MS = 5_000;

export interface TaskClaimOptions {
  readonly store: TaskClaimStore;
  /** Name of this process: its session in the queue of replies. */
  readonly process: string;
  readonly lockDurationMs: number;
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
}

export type Claimed =
  | { readonly kind: 'held'; readonly claim: TaskClaim }
  /** Another process runs it: look again then (epoch ms). */
  | { readonly kind: 'elsewhere'; readonly at: number };

export interface TaskClaims {
  /** Rejects when the store does not answer. */
  take(wanted: Wanted): Promise<Claimed>;
  stop(): void;
}

/** A task as the store names it. `marks` as `marksOfWork` gives them: of the execution, and of its asker's life. */
function claimedTask(key: string, [execution = NOBODY, life = NOBODY]: readonly string[]): ClaimedTask {
  return { life, execution, key: hashId(key) };
}

/** In the place of a mark: nobody can cancel it. */
const NOBODY = '-';

interface Held {
  readonly task: ClaimedTask;
  readonly lost: AbortController;
  readonly deadlineAt: number;
  isUnlocked: boolean;
}

export function createTaskClaims(options: TaskClaimOptions): TaskClaims {
  const { store, process, clock, logger } = options;
  const aliveMs = options.lockDurationMs / ALIVE_PER_LOCK;
  const tellMs = aliveMs / TELLS_PER_ALIVE;
  const held = new Map<string, Held>();
  let aliveUntil = -Infinity;
  let telling: NodeJS.Timeout | undefined;

  const tell = async (): Promise<void> => {
    const until = clock.now() + aliveMs;
    await store.setAlive(process, until);
    aliveUntil = until;
  };
  /** Ends what has lost its lock where the claim does not hold either. */
  const check = async (one: Held): Promise<void> => {
    if (!one.isUnlocked || one.lost.signal.aborted) return;
    const isWanted = clock.now() + tellMs < one.deadlineAt;
    const isAlive = isWanted && clock.now() < aliveUntil;
    const isOurs = isAlive && (await store.take(one.task, process).catch(() => process)) === process;
    if (!isOurs) one.lost.abort();
  };
  const tellAgain = async (): Promise<void> => {
    try {
      await tell();
    } catch (error) {
      logger.debug('the store was not told that this process lives', { reason: String(error) });
    }
    await Promise.all([...held.values()].map(check));
    telling = held.size === 0 ? undefined : tellLater();
  };
  const tellLater = (): NodeJS.Timeout => setTimeout(() => void tellAgain(), tellMs).unref();

  const owner = async (task: ClaimedTask): Promise<string> => {
    const first = await store.take(task, process);
    if (first === process) return first;
    const until = await store.aliveUntil(first);
    return until !== undefined && until > clock.now() ? first : store.takeOver(task, first, process);
  };

  return {
    take: async ({ key, marks, lost, deadlineAt }) => {
      const elsewhere: Claimed = { kind: 'elsewhere', at: clock.now() + ELSEWHERE_MS };
      // Its message came to this process again.
      if (held.has(key)) return elsewhere;
      const task = claimedTask(key, marks);
      if (clock.now() >= aliveUntil - tellMs) await tell();
      if ((await owner(task)) !== process || held.has(key)) return elsewhere;
      const one: Held = { task, lost: new AbortController(), deadlineAt, isUnlocked: lost.aborted };
      const unlock = (): void => {
        one.isUnlocked = true;
        void check(one);
      };
      lost.addEventListener('abort', unlock, { once: true });
      held.set(key, one);
      telling ??= tellLater();
      return {
        kind: 'held',
        claim: {
          lost: one.lost.signal,
          release: async () => {
            held.delete(key);
            lost.removeEventListener('abort', unlock);
            await store.drop(task, process).catch((error: unknown) => {
              logger.debug('a claim of a task was not dropped', { reason: String(error), task: key });
            });
          },
        },
      };
    },
    stop: () => clearTimeout(telling),
  };
}
