// Runs a scenario once, in a new world, with a fault or without.
import { toErrorJson } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { FaultName, Trial } from './faults.ts';
import { type Act, type Place, Recorder } from './places.ts';
import { LivedTime, LOOK_MS, TookTooLong, whyLate } from './real-time.ts';
import { actorsOf, type Outcome, readOutcome } from './run-outcome.ts';
import type { Laboratory, Scenario } from './scenario.ts';
import { TestWorld } from './world.ts';

// What is done to a world when the place comes by at which it is to be struck.

/** Nothing has moved for so long, in time that this process lived: all that could continue have done so. */
const CALM_MS = 150;
const LONGEST_CALM_MS = 3_000;
/** Beyond the duplicate window. */
const MARGIN_MS = 1_000;
const BUSY = 'com.microsoft:server-busy';

/** Begins at once; what takes time is the world's repair. The act waits for what is returned. */
function strike(
  fault: FaultName,
  act: Act,
  world: TestWorld,
  duplicateWindowMs: number,
): Promise<void> | undefined {
  const { host, broker } = world;
  switch (fault) {
    case 'crash':
    case 'asleep': {
      const cut = host.kill();
      world.repair(async () => {
        await world.freeLocksOfTheDead(cut);
        if (fault === 'asleep') await world.sleep(duplicateWindowMs + MARGIN_MS);
        await world.startHost();
      });
      return undefined;
    }
    case 'frozen': {
      const thaw = host.freeze();
      world.repair(async () => {
        await world.loseLocks();
        await world.startHost();
        await calm(world);
        thaw();
      });
      return undefined;
    }
    case 'lock-lost':
      if (act.lock !== undefined) void broker.faults.inject({ kind: 'lose-lock', of: act.lock });
      return undefined;
    case 'broker-restart':
      void broker.faults.inject({ kind: 'stop', on: {}, at: 'arrived' });
      world.repair(() => world.reopenBroker());
      return undefined;
    case 'replayed-write':
      if (act.lock === undefined) return undefined;
      void broker.faults.inject({
        kind: 'reject',
        on: { operation: 'state-write', ...act.lock },
        at: 'committed',
        condition: BUSY,
      });
      return undefined;
    case 'duplicate':
      for (const { entity, session, id } of act.messages ?? []) {
        const on = { entity, messageId: id, ...(session === undefined ? {} : { session }) };
        const after = act.step === 'before-outbox' ? 'delivery' : 'settlement';
        void broker.faults.inject({ kind: 'duplicate', on, after });
      }
      return undefined;
    case 'reordered':
      return calm(world);
    case 'abandoned':
      act.abandon?.();
      return undefined;
    case 'recreated':
      return undefined;
  }
}

async function calm(world: TestWorld): Promise<void> {
  const lived = new LivedTime();
  let { moves } = world.recorder;
  for (let movedAt = 0; ; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = lived.look(LOOK_MS);
    if (world.recorder.moves !== moves) {
      moves = world.recorder.moves;
      movedAt = now;
    }
    if (now - movedAt >= CALM_MS || now >= LONGEST_CALM_MS) return;
  }
}

export interface Run {
  readonly outcome: Outcome | { readonly failed: Json };
  /** Why the run took too long in real time: its outcome says nothing then. */
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
  const world = await TestWorld.open({
    config: scenario.config,
    laboratory,
    recorder,
    durable,
    holdsLimits: scenario.holdLimits === true,
  });
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
