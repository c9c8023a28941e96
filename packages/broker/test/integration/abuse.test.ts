import { expect, test } from 'vitest';
import { ATTACKS } from '../kit/attacks/all.ts';
import { ATTACKED_QUEUE, ATTACKED_SESSIONS } from '../kit/attacks/attack.ts';
import { queues, testBroker } from './kit.ts';
import { PROBE_QUEUE, probe } from './probe.ts';

// Issue 3, "It must hold": whatever is done to it, the broker stays up, and a client beside it sees no error. What it
// costs in memory and time is measured by packages/broker/bench/abuse.ts.

const ENTITIES = queues(
  { name: PROBE_QUEUE },
  { name: ATTACKED_QUEUE },
  { name: ATTACKED_SESSIONS, requiresSession: true },
);
const ROUNDS = 10;

test.each(ATTACKS.map(({ name, ...attack }) => [name, attack] as const))(
  'beside %s a client works on',
  async (_, { sizes, start }) => {
    const broker = await testBroker({ ...ENTITIES, tls: true, handshakeTimeoutMs: 300 });
    const plain = `${broker.connectionString}UseDevelopmentEmulator=true;`;
    const watching = probe(broker, plain);
    await watching.rounds(2);
    const stop = await start(broker, sizes[0]);
    await watching.rounds(ROUNDS);
    stop();
    await watching.rounds(2);
    expect(await watching.stop()).toBeGreaterThan(ROUNDS);
  },
);
