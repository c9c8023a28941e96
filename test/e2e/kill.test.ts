// kill -9 at a commit of every phase: the next process on the same data continues, no reply is counted twice, and the output
// folder is as it must be. Which phases, and before or after the commit, is drawn anew each time; with QUORATE_KILLS=all it is everything.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRandom } from '../kit/random.ts';
import { treeOf } from '../kit/tree.ts';
import { sampleArgs, startCli } from './cli-process.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/repos/small/', import.meta.url));
const PRELOAD = fileURLToPath(new URL('../kit/crash-preload.ts', import.meta.url));
const STEPS = ['stage', 'write', 'verify', 'publish'] as const;
/** Two processes at once on two cores. */
const LANES = 2;
const BOTH = process.env['QUORATE_KILLS'] === 'all';
const KILLS_AT_LEAST = BOTH ? 20 : 12;
/** Hang limits, of the whole and of one process: over five times what they take on two quiet cores. */
const RUN_MS = 1_200_000;
const PROCESS_MS = 240_000;

type Step = (typeof STEPS)[number];

interface Kill {
  readonly phase: string;
  readonly plan: {
    readonly label?: string;
    readonly nth: number;
    readonly when: 'before' | 'after';
    readonly draining?: boolean;
  };
}

/** One review, in whose processes these kills happen one after the other; the process after the last comes to its end. */
interface Life {
  readonly name: string;
  readonly failAt?: Step;
  readonly kills: readonly Kill[];
}

interface Figures {
  readonly replies: {
    readonly ok: number;
    readonly total: number;
    readonly failed: number;
    readonly missing: number;
  };
  readonly findings: { readonly total: number };
}

const random = createRandom();
console.log(`kill test: QUORATE_TEST_SEED=${random.seed}`);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'quorate-kill-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Place {
  readonly folder: string;
  readonly out: string;
  readonly log: string;
}

/** A repository of its own, an output folder with something in it, and a review written down as begun. */
async function prepare(name: string, failAt: Step | undefined): Promise<Place> {
  const folder = join(root, name);
  await cp(FIXTURE, join(folder, 'repo'), { recursive: true });
  const out = join(folder, 'out');
  await mkdir(join(out, 'older'), { recursive: true });
  await writeFile(join(out, 'report.md'), 'an older report\n');
  await writeFile(join(out, 'older', 'notes.txt'), 'kept\n');
  const data = join(folder, '.quorate');
  await mkdir(data);
  const input = {
    folder: join(folder, 'repo'),
    out,
    runId: 'run-1',
    runs: join(data, 'runs'),
    ...(failAt === undefined ? {} : { failAt }),
  };
  await writeFile(join(data, 'last-review.json'), JSON.stringify({ run: 1, open: { id: 'run-1', input } }));
  return { folder, out, log: join(folder, 'commits.log') };
}

function serve({ folder, log }: Place, plan?: Kill['plan']) {
  const host = startCli(sampleArgs('start', 'repo', '--out', 'out'), {
    cwd: folder,
    node: ['--import', PRELOAD],
    env: {
      QUORATE_TEST_COMMITS: log,
      QUORATE_INSPECTOR_PORT: '0',
      ...(plan === undefined ? {} : { QUORATE_TEST_KILL: JSON.stringify(plan) }),
    },
  });
  const hang = setTimeout(() => host.child.kill('SIGABRT'), PROCESS_MS);
  void host.ended.then(() => clearTimeout(hang));
  return host;
}

/** Runs to the end of the review and drains. */
async function finish(place: Place, failAt: Step | undefined): Promise<void> {
  const host = serve(place);
  await host.says(/^serving /m);
  host.child.kill('SIGTERM');
  const { code, stdout, stderr } = await host.ended;
  expect({ code, failed: failAt === undefined ? stderr : '' }, `${stdout}\n${stderr}`).toEqual({
    code: 0,
    failed: '',
  });
}

async function figuresOf({ out }: Place): Promise<Figures> {
  return JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as Figures;
}

/** Every label that commits of a whole run carry, in order of first sight. */
async function labelsOf({ log }: Place): Promise<string[]> {
  return [...new Set((await readFile(log, 'utf8')).trim().split('\n'))];
}

/** What the issue calls a phase, by the state that a commit leaves behind. */
function phaseOf(label: string): string | undefined {
  const state = /^review(?<child>\.\w+)? (?<value>.*)#/.exec(label)?.groups;
  if (state === undefined) return undefined;
  const { child, value = '' } = state;
  const part = /"(do|undo)":(?:"(\w+)"|\{"(\w+)")/.exec(value);
  if (child === '.delivery') return part === null ? undefined : `${part[1]} ${part[2] ?? part[3]}`;
  if (child === '.planning') return 'proposal';
  if (value === 'reviewing') return 'scatter and gather';
  return value === 'scanning' ? 'scan' : undefined;
}

/** Runs until it is killed as planned; false = it came to its end alive, for there were not so many commits of that kind. */
async function die(place: Place, { phase, plan }: Kill): Promise<boolean> {
  const host = serve(place, plan);
  if (plan.draining === true) await host.says(/^ {2}(reviewing|planning|collecting)/m);
  else await Promise.race([host.says(/^serving /m), host.ended]).catch(() => undefined);
  host.child.kill('SIGTERM');
  const { code, stdout, stderr } = await host.ended;
  const message = `${phase}: it was to die at ${JSON.stringify(plan)}\n${stdout}\n${stderr}`;
  // A busy machine folds more answers into one commit: then the gather has fewer.
  if (plan.nth > 1 && plan.draining !== true) expect([null, 0], message).toContain(code);
  else expect(code, message).toBeNull();
  return code === null;
}

async function live({ name, failAt, kills }: Life, expected: Figures): Promise<void> {
  let place = await prepare(name, failAt);
  const before = await treeOf(place.out);
  for (const kill of kills) {
    for (let { nth } = kill.plan; !(await die(place, { ...kill, plan: { ...kill.plan, nth } })); nth -= 1)
      place = await prepare(`${name}-before-${nth}`, failAt);
  }
  await finish(place, failAt);
  if (failAt !== undefined) {
    expect(await treeOf(place.out), name).toEqual(before);
    return;
  }
  const figures = await figuresOf(place);
  expect(figures.replies, name).toMatchObject({
    ok: expected.replies.total,
    total: expected.replies.total,
    failed: 0,
    missing: 0,
  });
  expect(figures.findings.total, name).toBe(expected.findings.total);
  const after = (await treeOf(place.out)) ?? {};
  expect(Object.keys(after).sort(), name).toEqual([
    'older',
    'older/notes.txt',
    'plan.json',
    'report.json',
    'report.md',
  ]);
}

/** Before or after one commit of each phase, in the order in which a review comes through them. */
function killsIn(labels: readonly string[], wanted: (phase: string) => boolean): Kill[] {
  const byPhase = Map.groupBy(labels, (label) => phaseOf(label) ?? '');
  return [...byPhase]
    .filter(([phase]) => phase !== '' && wanted(phase))
    .flatMap(([phase, own]) => {
      const label = random.pick(own);
      const both = ['before', 'after'] as const;
      return (BOTH ? both : [random.pick(both)]).map((when) => ({ phase, plan: { label, nth: 1, when } }));
    });
}

it('continues after kill -9 in every phase, with every reply counted once', {
  timeout: RUN_MS,
}, async () => {
  const whole = await prepare('whole', undefined);
  await finish(whole, undefined);
  const expected = await figuresOf(whole);
  // Compensations: what a failing last step undoes is everything.
  const undone = await prepare('undone', 'publish');
  const before = await treeOf(undone.out);
  await finish(undone, 'publish');
  expect(await treeOf(undone.out)).toEqual(before);

  // A gather makes many commits of one state: die in the middle of one, too.
  const label = 'review reviewing#active';
  const inGather = [2 + random.below(2), 2 + random.below(3)].map(
    (nth): Kill => ({ phase: 'gather', plan: { label, nth, when: random.pick(['before', 'after']) } }),
  );
  const inDrain = [1, 99].map(
    (nth): Kill => ({ phase: 'drain', plan: { nth, when: 'before', draining: true } }),
  );
  const lives: Life[] = [
    { name: 'all', kills: killsIn(await labelsOf(whole), () => true) },
    {
      name: 'undo',
      failAt: 'publish',
      kills: killsIn(await labelsOf(undone), (phase) => phase.startsWith('undo')),
    },
    ...inGather.map((kill, at) => ({ name: `gather-${at}`, kills: [kill, ...inDrain.slice(at, at + 1)] })),
  ];
  const kills = lives.flatMap(({ kills: own }) => own);
  console.log(kills.map(({ phase, plan }) => `${phase} (${plan.when} ${plan.label} ${plan.nth})`).join('\n'));
  expect(kills.length).toBeGreaterThanOrEqual(KILLS_AT_LEAST);
  const phases = Map.groupBy(kills, ({ phase }) => phase);
  for (const phase of [
    'scan',
    'scatter and gather',
    'gather',
    'proposal',
    'drain',
    ...STEPS.map((step) => `do ${step}`),
    'undo publish',
    'undo write',
    'undo stage',
  ]) {
    expect(phases.get(phase)?.length ?? 0, phase).toBeGreaterThanOrEqual(
      BOTH || phase === 'gather' || phase === 'drain' ? 2 : 1,
    );
  }

  // Each could be anywhere: a run of the suite draws every second one.
  const turn = random.below(2);
  const drawn = lives
    .map((life, at) => ({ ...life, kills: life.kills.filter((_, nth) => BOTH || (at + nth) % 2 === turn) }))
    .filter(({ kills: own }) => own.length > 0);
  console.log(`killed: ${drawn.flatMap(({ kills: own }) => own.map(({ phase }) => phase)).join(', ')}`);
  expect(drawn.flatMap(({ kills: own }) => own).length).toBeGreaterThanOrEqual(
    Math.floor(KILLS_AT_LEAST / 2),
  );
  const queue = [...drawn];
  const lane = async (): Promise<void> => {
    for (let life = queue.shift(); life !== undefined; life = queue.shift()) await live(life, expected);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
});
