// One run's world: a broker on virtual time, hosts that come and go, and a client that stays.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from 'quorate-broker';
import { createBridge } from '../bridge/bridge.ts';
import { toBrokerTopology } from '../bridge/topology/topology.ts';
import { createClient } from '../client/client.ts';
import { loadBroker } from '../common/optional-packages.ts';
import { targetOf } from '../config/target.ts';
import type { QuorateClient } from '../contract/client.ts';
import type { QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import { controlAddress } from '../contract/control.ts';
import { REMEDIATION, REPLIES } from '../contract/entities.ts';
import { QuorateError } from '../contract/errors.ts';
import { type Clock, SILENT } from '../contract/ports.ts';
import { ADMISSION, type Waits } from '../control/admission/protocol.ts';
import { DEFAULT_INTERVAL_MS } from '../runtime/admission.ts';
import { openPayloads, streamsOnDemand } from '../storage/stores.ts';
import { toMs } from './duration.ts';
import { Effects } from './effects.ts';
import { deadLettersOf, Recorder } from './places.ts';
import { ProcessMail } from './process-mail.ts';
import { LivedTime, LOOK_MS, TookTooLong } from './real-time.ts';
import type { Laboratory, World } from './scenario.ts';
import { type SimulatedHost, startHost } from './simulated-host.ts';

/** How long a message may lie there untouched before the world is said to stand still, in time that this process lived. */
const STANDSTILL_MS = 15_000;
/** Turns of the event loop after which the broker, in this thread, has dealt with the end of a connection that was cut. */
const CUT_SEEN_TURNS = 20;
/** One that began before may end with what was said then: the second is whole. */
const INTERVALS = 2;

export interface WorldOptions {
  readonly config: QuorateConfig;
  readonly laboratory: Laboratory;
  readonly recorder?: Recorder;
  /** The broker's data outlives it: for a run in which it is restarted. */
  readonly durable?: boolean;
  readonly holdsLimits?: boolean;
}

export class TestWorld {
  readonly effects = new Effects();
  readonly recorder: Recorder;
  readonly client: QuorateClient;
  readonly #options: WorldOptions;
  readonly #folder: string;
  readonly #clock: Clock = { now: () => this.now(), skips: true };
  readonly #hosts: SimulatedHost[] = [];
  readonly #mail = new ProcessMail();
  readonly #close: () => Promise<void>;
  /** What is being repaired after a strike: nobody takes the world for settled meanwhile. */
  readonly #repairs = new Set<Promise<unknown>>();
  #broker: Broker;
  #sleptMs = 0;

  private constructor(options: WorldOptions, folder: string, broker: Broker, bridge: Bridges) {
    this.#options = options;
    this.#folder = folder;
    this.#broker = broker;
    this.recorder = options.recorder ?? new Recorder();
    this.client = bridge.client;
    this.#close = bridge.close;
  }

  static async open(options: WorldOptions): Promise<TestWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-testing-'));
    const broker = await openBroker(options, folder);
    let world: TestWorld | undefined;
    const clock = { now: () => (world === undefined ? broker.now() : world.now()), skips: true };
    const { connectionString } = broker;
    const bridge = await openClient(
      { ...options.laboratory.resolved, connectionString, data: folder },
      clock,
    );
    world = new TestWorld(options, folder, broker, bridge);
    await world.startHost();
    // All its links are open.
    await world.settled();
    await world.#followed();
    return world;
  }

  get broker(): Broker {
    return this.#broker;
  }

  /** The one that does the work. */
  get host(): SimulatedHost {
    const last = this.#hosts.at(-1);
    if (last === undefined) throw new Error('there is no host');
    return last;
  }

  /** As scenarios see it; its methods can be taken apart. */
  get face(): World {
    const { client } = this;
    return {
      client,
      now: () => this.now(),
      advance: (duration) => this.advance(duration),
      settled: () => this.settled(),
      queueWaits: (agent, ms) => this.queueWaits(agent, ms),
    };
  }

  now(): number {
    return this.#broker.now();
  }

  async advance(duration: string | number): Promise<void> {
    const awake = this.now() + toMs(duration) - this.#sleptMs;
    for (;;) {
      await this.settled();
      // A timer that was to be set while nobody worked is set later: it gets that much more.
      const end = awake + this.#sleptMs;
      if (this.now() >= end) return;
      const due = (await this.#broker.nextDue()) ?? end;
      // Refused when the broker ends, or somebody begins to work: then it is asked again.
      await this.#broker.advance(Math.max(0, Math.min(due, end) - this.now())).catch(() => {});
    }
  }

  /** As processes with agents say it: admission goes by whole intervals. */
  async queueWaits(agent: string, ms: number): Promise<void> {
    const { admission } = this.#options.laboratory.resolved;
    if (admission === undefined)
      throw new QuorateError('USAGE', 'queueWaits is for a configuration with admission');
    const { maxWaitMs, intervalMs = DEFAULT_INTERVAL_MS } = admission;
    const { type, id } = controlAddress('admission', ADMISSION);
    const say = async (): Promise<void> => {
      const waits = { type: 'waits', least: { [agent]: ms }, maxWaitMs, intervalMs } satisfies Waits;
      await this.client.send(type, id, waits, { start: {} });
      await this.settled();
    };
    await say();
    for (let nth = 0; nth < INTERVALS; nth += 1) {
      await this.advance(intervalMs);
      await say();
    }
  }

  /** A process asks by itself what is ordered, soon after its start: an order before that would find nobody. */
  async #followed(): Promise<void> {
    const { atRunTime, agents } = this.#options.laboratory.resolved;
    if (atRunTime !== true || Object.keys(agents).length === 0) return;
    while (Object.keys(await this.client.agents.list()).length === 0) await sleep(LOOK_MS);
    await this.settled();
  }

  /** Time that passes while no host is there. */
  async sleep(ms: number): Promise<void> {
    await this.#broker.advance(ms);
    this.#sleptMs += ms;
  }

  async settled(): Promise<void> {
    const lived = new LivedTime();
    let moves = -1;
    for (let movedAt = 0; ; await sleep(LOOK_MS)) {
      const now = lived.look(LOOK_MS);
      await Promise.all(this.#repairs);
      // Refused while it is being restarted, or while somebody still works: then it is asked again.
      const isQuiet = await this.#broker.advance(0).then(
        () => true,
        () => false,
      );
      if (this.#repairs.size > 0) continue;
      const waiting = await this.#waiting();
      if (isQuiet && waiting.length === 0 && this.#mail.isRead) return;
      if (this.recorder.moves !== moves) {
        moves = this.recorder.moves;
        movedAt = now;
      } else if (now - movedAt > STANDSTILL_MS) {
        throw new TookTooLong(
          `nobody takes the messages of ${waiting.join(', ') || 'a broker that is not quiet'}`,
        );
      }
    }
  }

  async startHost(): Promise<void> {
    const { config, laboratory, holdsLimits = false } = this.#options;
    const host = await startHost({
      config: {
        ...config,
        connectionString: this.#broker.connectionString,
        data: this.#folder,
        inspectorPort: false,
        consolePort: false,
        drainMs: 0,
      },
      clock: this.#clock,
      logger: SILENT,
      pool: laboratory.pool,
      recorder: this.recorder,
      effects: this.effects,
      mail: this.#mail,
      holdsLimits,
    });
    this.#hosts.push(host);
  }

  repair(work: () => Promise<void>): void {
    const done = work().finally(() => this.#repairs.delete(done));
    done.catch(() => {});
    this.#repairs.add(done);
  }

  /** As if every lock of the hosts had run out. Gives how many there were. */
  async loseLocks(): Promise<number> {
    const { faults } = this.#broker;
    const ids: string[] = [];
    for (const { name, kind } of this.#options.laboratory.entities) {
      if (kind === 'topic' || name === REPLIES) continue;
      for (const entity of [name, deadLettersOf(name)])
        ids.push(await faults.inject({ kind: 'lose-lock', of: { entity } }));
    }
    const struck = (await faults.list()).filter(({ id }) => ids.includes(id));
    return struck.reduce((sum, { triggered }) => sum + triggered, 0);
  }

  /**
   * Once a host's connections are cut: what it had in hand is free. Until the broker has read their ends it would hand to the
   * dead what is taken from them, and on virtual time no lock runs out by itself. Real time says nothing of that.
   */
  async freeLocksOfTheDead(cut: Promise<void>): Promise<void> {
    await cut;
    do {
      for (let turn = 0; turn < CUT_SEEN_TURNS; turn += 1) await setImmediate();
    } while ((await this.loseLocks()) > 0);
  }

  /** Once the broker has ended. */
  async reopenBroker(): Promise<void> {
    const { port } = this.#broker;
    await this.#broker.closed;
    this.#broker = await openBroker(this.#options, this.#folder, { port, startAt: this.#broker.now() });
  }

  async close(): Promise<void> {
    this.recorder.close();
    await Promise.allSettled(this.#repairs);
    await this.#close();
    await Promise.all(this.#hosts.map((host) => host.stop()));
    await this.#broker.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #waiting(): Promise<string[]> {
    const status = await this.#broker.status();
    const busy = status.filter(
      ({ name, active, deadLettered }) =>
        name !== REPLIES && (active > 0 || (deadLettered > 0 && name !== REMEDIATION)),
    );
    return busy.map(({ name }) => name);
  }
}

interface Bridges {
  readonly client: QuorateClient;
  readonly close: () => Promise<void>;
}

async function openClient(
  config: ResolvedConfig & { connectionString: string },
  clock: Clock,
): Promise<Bridges> {
  const connection = { kind: 'connectionString', connectionString: config.connectionString } as const;
  const target = targetOf(config, undefined);
  const payloads = await openPayloads(config, target);
  const { open: streams, close } = streamsOnDemand(config, target);
  const bridge = await createBridge({ ...config, connection, logger: SILENT, clock });
  const client = createClient({ bridge, payloads, streams, clock: bridge.clock });
  return {
    client,
    close: async () => {
      await client.close();
      await close();
      await bridge.close();
    },
  };
}

async function openBroker(
  { laboratory: { resolved, entities }, durable = false }: WorldOptions,
  folder: string,
  again?: { readonly port: number; readonly startAt: number },
): Promise<Broker> {
  const { createBroker } = await loadBroker();
  return createBroker({
    data: durable ? join(folder, 'broker') : { memory: true },
    port: again?.port ?? 0,
    clock: again === undefined ? 'virtual' : { virtual: { startAt: again.startAt } },
    topology: toBrokerTopology(entities, resolved.prefix),
  });
}
