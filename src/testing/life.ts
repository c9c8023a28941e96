// Whether a simulated process lives, stands still or is dead.
import type { Act, Recorder } from './places.ts';

/** A process that is simulated in this one. */
export interface Life {
  readonly dead: boolean;
  readonly frozen: boolean;
  /** Tells the recorder, waits while frozen; false = the process has died. */
  pass(act: Act): Promise<boolean>;
  /** Waits while frozen; false = the process has died. */
  awake(): Promise<boolean>;
  /** Rejects when the process dies. */
  readonly death: Promise<never>;
  /** What others find out about its death in time, done at once. */
  atEnd: () => Promise<void>;
}

/** Kills or freezes the process; `freeze` gives a function that thaws it. */
export interface LifeControl extends Life {
  kill(): void;
  freeze(): () => void;
}

export function createLife(recorder: Recorder): LifeControl {
  const death = Promise.withResolvers<never>();
  death.promise.catch(() => {});
  let dead = false;
  let gate: Promise<void> | undefined;
  const awake = async (): Promise<boolean> => {
    await gate;
    return !dead;
  };
  return {
    get dead() {
      return dead;
    },
    get frozen() {
      return gate !== undefined;
    },
    death: death.promise,
    atEnd: async () => {},
    awake,
    pass: async (act) => {
      if (!(await awake())) return false;
      await recorder.at(act);
      return awake();
    },
    kill() {
      dead = true;
      death.reject(new Error('the process is dead'));
    },
    freeze() {
      const thawing = Promise.withResolvers<void>();
      gate = thawing.promise;
      return () => {
        gate = undefined;
        thawing.resolve();
      };
    },
  };
}
