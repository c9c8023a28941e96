// `npm run bench turn`: where the time of one turn goes, from the socket that brings its message to the socket that takes its
// effects and settlement, on the thread that does all of that.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBroker } from '../../packages/broker/bench/broker/server-process.ts';
import { type Bench, type Measurement, measurement } from '../kit/measurement.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startHost } from './host.ts';
import { startLoad } from './load.ts';
import { microsecondsByPart } from './profile.ts';

const BALLS = 50;
const WARM_UP_BOUNCES = 200;
const BOUNCES = 400;
const SESSIONS = 128;
const MICRO = 1_000_000;
/** Linux counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

export const turn: Bench = {
  name: 'turn',
  about: `one message, one turn, one commit, one effect; ${BALLS} at a time, the host's main thread under a sampling profiler`,
  notMeasured: 'turns that share a commit; the time that a profiler adds',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'turn');
  await using broker = await startBroker(data);
  await using host = await startHost(data, { sessions: SESSIONS });
  await using load = await startLoad(data);
  const players = ['a', 'b'].flatMap((side) => Array.from({ length: BALLS }, (_, at) => `b${at}${side}`));
  await load.ask('startNamed', players);
  const play = async (bounces: number): Promise<void> => {
    const before = await host.ask('applied');
    host.pause();
    await load.ask('bounce', 'b', BALLS, bounces);
    const reached = host.ask('untilApplied', before + BALLS * bounces);
    host.resume();
    await reached;
  };
  await play(WARM_UP_BOUNCES);
  const turns = BALLS * BOUNCES;
  const before = {
    main: mainSeconds(host.pid),
    all: allSeconds(host.pid),
    broker: broker.processorSeconds(),
  };
  await host.ask('startProfile');
  await play(BOUNCES);
  const profile = await host.ask('stopProfile');
  const main = mainSeconds(host.pid) - before.main;
  const others = allSeconds(host.pid) - before.all - main;
  const brokers = (broker.processorSeconds() ?? Number.NaN) - (before.broker ?? Number.NaN);
  const parts = [...microsecondsByPart(profile)].map(([part, us]) => [part, us / turns] as const);
  const total = parts.reduce((sum, [, us]) => sum + us, 0);
  return [
    ...parts.map(([part, us]) => measurement(`turn.main: ${part}`, 'us', [us])),
    measurement('turn.main', 'us', [total]),
    measurement('turn.main.processor', 'us', [(main * MICRO) / turns]),
    measurement('turn.other-threads.processor', 'us', [(others * MICRO) / turns]),
    measurement('turn.broker.processor', 'us', [(brokers * MICRO) / turns]),
  ];
}

function mainSeconds(pid: number): number {
  return secondsIn(`/proc/${pid}/task/${pid}/stat`);
}

function allSeconds(pid: number): number {
  return secondsIn(`/proc/${pid}/stat`);
}

/** utime and stime, behind the command's name. */
function secondsIn(path: string): number {
  const stat = readFileSync(path, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
