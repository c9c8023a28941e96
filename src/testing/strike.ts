// What is done to a world when the place comes by at which it is to be struck.
import type { FaultName } from './faults.ts';
import type { Act } from './places.ts';
import { LivedTime } from './real-time.ts';
import type { TestWorld } from './world.ts';

/** Nothing has moved for so long, in time that this process lived: all that could continue have done so. */
const CALM_MS = 150;
const LONGEST_CALM_MS = 3_000;
const LOOK_MS = 10;
/** Beyond the duplicate window. */
const MARGIN_MS = 1_000;
const BUSY = 'com.microsoft:server-busy';

/** Begins at once; what takes time is the world's repair. The act waits for what is returned. */
export function strike(
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
