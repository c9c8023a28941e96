// One run of a scenario in a world of its own, struck or not.
import { toErrorJson } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { Trial } from './faults.ts';
import { actorsOf, type Outcome, readOutcome } from './outcome.ts';
import { type Place, Recorder } from './places.ts';
import { TookTooLong, whyLate } from './real-time.ts';
import type { Laboratory, Scenario } from './scenario.ts';
import { strike } from './strike.ts';
import { TestWorld } from './world.ts';

export interface Run {
  readonly outcome: Outcome | { readonly failed: Json };
  /** Why it took too long, in real time: what it came to says nothing then. */
  readonly late?: string;
  readonly places: readonly Place[];
  /** Whether the place came by. */
  readonly struck: boolean;
}

export async function runOnce(
  laboratory: Laboratory,
  scenario: Scenario,
  timeoutMs: number,
  trial?: Trial,
): Promise<Run> {
  const { resolved, types } = laboratory;
  const recorder = new Recorder(trial?.place);
  const durable = trial?.fault === 'broker-restart';
  const world = await TestWorld.open({ config: scenario.config, laboratory, recorder, durable });
  if (trial !== undefined)
    recorder.onTarget((act) => strike(trial.fault, act, world, resolved.duplicateWindowMs));
  const live = async (): Promise<Outcome> => {
    const { face } = world;
    await scenario.run(face);
    await world.settled();
    if (trial?.fault === 'recreated') {
      await forgetEverything(world, types);
      await scenario.run(face);
      await world.settled();
    }
    recorder.close();
    return readOutcome(world, types, () => scenario.outcome?.(face));
  };
  const limit = timeLimit(timeoutMs);
  let late: string | undefined;
  try {
    const outcome = await Promise.race([live(), limit.late]).catch((error: unknown) => {
      late = whyLate(error);
      return { failed: toErrorJson(error, 'SCENARIO_FAILED') as unknown as Json };
    });
    return {
      outcome,
      ...(late === undefined ? {} : { late }),
      places: recorder.places,
      struck: trial?.place === undefined || recorder.struck,
    };
  } finally {
    limit.clear();
    await world.close();
  }
}

/** The ids of actors are free again, and what was sent under them is still known to the broker. */
async function forgetEverything(world: TestWorld, types: readonly string[]): Promise<void> {
  const { client } = world;
  for (const { type, id } of await actorsOf(client, types)) {
    // A child may have gone with its parent.
    await client.actors.purge(type, id).catch(() => {});
  }
  await world.settled();
  for await (const { outcome } of client.deadLetters.discard({ all: true })) void outcome;
  world.effects.clear();
}

function timeLimit(ms: number): { readonly late: Promise<never>; clear(): void } {
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  const why = `not over after ${ms} ms: something waits for ever, or timeoutMs is too short for this machine`;
  const timer = setTimeout(() => late.reject(new TookTooLong(why)), ms);
  return { late: late.promise, clear: () => clearTimeout(timer) };
}
