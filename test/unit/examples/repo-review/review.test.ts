// The whole review in one process, with its real agents, under a plain createActor: what the runtime adds is not needed here.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AgentContext,
  isPayloadRef,
  type Json,
  type PayloadStore,
  type ScatterPlan,
  scatter,
} from 'quorate';
import { describe, expect, test } from 'vitest';
import { type AnyActorLogic, createActor, fromPromise, toPromise } from 'xstate';
import { collect } from '../../../../examples/repo-review/agents/collect.ts';
import { complexity } from '../../../../examples/repo-review/agents/complexity.ts';
import { critic } from '../../../../examples/repo-review/agents/critic.ts';
import * as deliver from '../../../../examples/repo-review/agents/deliver.ts';
import { docs } from '../../../../examples/repo-review/agents/docs.ts';
import { planByEffort } from '../../../../examples/repo-review/agents/plan-by-effort.ts';
import { planByRisk } from '../../../../examples/repo-review/agents/plan-by-risk.ts';
import { scan } from '../../../../examples/repo-review/agents/scan.ts';
import { secrets } from '../../../../examples/repo-review/agents/secrets.ts';
import {
  type CriticAnswer,
  DELIVERY_STEPS,
  type ReviewInput,
  type ReviewOutput,
} from '../../../../examples/repo-review/protocol.ts';
import { type Report, reportSchema } from '../../../../examples/repo-review/report/schema.ts';
import { review } from '../../../../examples/repo-review/review.machine.ts';
import { agentContext, copyOfFixture, memoryPayloads, temporaryFolder, treeOf } from './kit.ts';

type Agent = (input: never, context: AgentContext) => Promise<Json>;
type Agents = Readonly<Record<string, Agent>>;

/** The file system server has its own tests: here a reviewer that finds nothing keeps the runs fast. */
const nothing: Agent = async () => ({ counts: { findings: 0 } });

const AGENTS: Agents = {
  scan,
  complexity,
  secrets,
  docs,
  facts: nothing,
  collect,
  planByRisk,
  planByEffort,
  critic,
  ...deliver,
};

/** What Quorate does for a machine: gives every name its agent, each task its key. */
function providedWith(agents: Agents, payloads: PayloadStore): AnyActorLogic {
  let tasks = 0;
  const ask = (name: string, input: unknown): Promise<Json> => {
    const agent = agents[name];
    if (agent === undefined) throw new Error(`no agent ${name}`);
    tasks += 1;
    return agent(input as never, agentContext({ key: `task-${tasks}`, payloads }));
  };
  const local = scatter({
    agents: Object.fromEntries(Object.keys(agents).map((name) => [name, (task: Json) => ask(name, task)])),
  });
  const byReference = fromPromise<unknown, ScatterPlan>(async ({ input }) => {
    const items = isPayloadRef(input.items)
      ? ((await payloads.get(input.items)) as readonly Json[])
      : input.items;
    return toPromise(createActor(local, { input: { ...input, items } }).start());
  });
  const provide = (machine: typeof review): typeof review => {
    const known: Readonly<Record<string, unknown>> = machine.implementations.actors;
    const given = Object.entries(known).map(([name, logic]) => {
      if (name === 'scatter' || name === 'quorate.scatter') return [name, byReference];
      const child = logic as typeof review;
      return [
        name,
        'implementations' in child ? provide(child) : fromPromise(({ input }) => ask(name, input)),
      ];
    });
    return machine.provide({ actors: Object.fromEntries(given) as never });
  };
  return provide(review);
}

interface Done {
  readonly output: ReviewOutput;
  readonly out: string;
}

async function reviewed(folder: string, more: Partial<ReviewInput> = {}, agents: Agents = {}): Promise<Done> {
  const elsewhere = await temporaryFolder();
  const out = more.out ?? join(elsewhere, 'out');
  const input: ReviewInput = { runId: 'r', folder, out, runs: join(elsewhere, 'runs'), ...more };
  const logic = providedWith({ ...AGENTS, ...agents }, memoryPayloads());
  const output = (await toPromise(createActor(logic, { input }).start())) as ReviewOutput;
  return { output, out };
}

async function reportIn(out: string): Promise<Report> {
  return reportSchema.parse(JSON.parse(await readFile(join(out, 'report.json'), 'utf8')));
}

const EXPECTED = new URL('../../../fixtures/repos/small.plan.json', import.meta.url);

async function expectedPlan(): Promise<{ planner: string; items: { title: string; rank: number }[] }> {
  return JSON.parse(await readFile(EXPECTED, 'utf8')) as Awaited<ReturnType<typeof expectedPlan>>;
}

describe('a review of the fixture repository', () => {
  test('delivers the plan that was written by hand', async () => {
    const { output, out } = await reviewed(await copyOfFixture('small'));
    expect(output).toMatchObject({ status: 'delivered', findings: { findings: 13, merged: 0 } });
    const { plan, replies, findings, files } = await reportIn(out);
    expect({ planner: plan.planner, items: plan.items }).toEqual(await expectedPlan());
    expect(plan).toMatchObject({ accepted: true, score: 1, rounds: 2, objections: [] });
    expect(plan.refused).toEqual([{ round: 1, proposer: 'planByRisk', score: 0.96 }]);
    expect(replies).toMatchObject({
      outcome: 'all',
      total: 24,
      ok: 24,
      failed: 0,
      missing: 0,
      duplicates: 0,
    });
    expect(findings).toMatchObject({ total: 13, bySeverity: { high: 4, medium: 4, low: 5 }, merged: 0 });
    expect(files.skipped).toEqual([{ path: 'assets/logo.png', why: 'binary' }]);
  });

  test('the plan changes when a finding is removed', async () => {
    const folder = await copyOfFixture('small');
    await writeFile(join(folder, 'docs', 'history.md'), '# History\n');
    const { out } = await reviewed(folder);
    const titles = (await reportIn(out)).plan.items.map(({ rank, title }) => `${rank} ${title}`);
    const expected = (await expectedPlan()).items.filter(({ title }) => title !== 'Repair dead links');
    expect(titles).toEqual(expected.map(({ title }, index) => `${index + 1} ${title}`));
  });

  test('the report reads well and holds no secret', async () => {
    const folder = await copyOfFixture('small');
    const { out } = await reviewed(folder, { out: join(folder, 'review') });
    const text = await readFile(join(out, 'report.md'), 'utf8');
    expect(text).toContain('**13 findings in 6 files, 4 of high severity.** Start with: Take passwords out');
    expect(text).toContain('| 1 | Take passwords out of connection strings | high | 2 | 2 | M |');
    expect(text).toContain('### [`src/server.ts`](../src/server.ts)');
    expect(text).toContain(
      '- **high** line 4, `connection-string`: A connection string with its password: ' +
        "`const database = 'postgres://app:[redacted]@db.internal:5432/app';`",
    );
    expect(text).toContain('| binary | 1 | `assets/logo.png` |');
    for (const name of ['report.md', 'report.json', 'plan.json']) {
      expect(await readFile(join(out, name), 'utf8')).not.toMatch(/Tr0ub4dor|c0rrect/);
    }
  });

  test('what two tasks say alike is listed once and counted', async () => {
    const folder = await copyOfFixture('small');
    const echo: Agent = async (input, context) => secrets(input, { ...context, key: `again-${context.key}` });
    const { out } = await reviewed(folder, {}, { facts: echo });
    expect((await reportIn(out)).findings).toMatchObject({ total: 13, merged: 5 });
  });

  test('a folder without faults gets a report that says so', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.txt'), 'fine\n');
    const { output, out } = await reviewed(folder);
    expect(output).toMatchObject({ status: 'delivered', plan: { accepted: true, rounds: 1, items: 0 } });
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain(
      '**Nothing to complain about** in 1 file.',
    );
  });
});

describe('when something fails', () => {
  test.each(DELIVERY_STEPS)('at %s, the output folder is byte for byte as it was', async (failAt) => {
    const world = await temporaryFolder();
    const out = join(world, 'out');
    await mkdir(out);
    await writeFile(join(out, 'report.md'), 'older');
    const before = await treeOf(world);
    const { output } = await reviewed(await copyOfFixture('small'), { out, failAt });
    expect(output).toEqual({
      status: 'failed',
      at: `delivering.${failAt}`,
      error: { code: 'FAILED_ON_REQUEST', message: `${failAt} failed after its work, as it was asked to` },
      restored: true,
    });
    expect(await treeOf(world)).toEqual(before);
  });

  test('a critic that is never content: the best offer is delivered, and the report says so', async () => {
    const strict: Agent = async (input, context) => {
      const answer = (await critic(input, context)) as unknown as CriticAnswer;
      return { ...answer, score: answer.score / 2 } as unknown as Json;
    };
    const { output, out } = await reviewed(await copyOfFixture('small'), {}, { critic: strict });
    expect(output).toMatchObject({ status: 'delivered', plan: { accepted: false, rounds: 4 } });
    const { plan } = await reportIn(out);
    expect(plan.refused.map(({ round, score }) => [round, score])).toEqual([
      [1, 0.48],
      [2, 0.5],
      [3, 0.5],
      [4, 0.5],
    ]);
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('the best when the rounds ran out');
  });

  test('a reviewer that fails on a file is counted and told', async () => {
    const failing: Agent = async (input) => {
      if (JSON.stringify(input).includes('grade.js'))
        throw Object.assign(new Error('too hard'), { code: 'NO_IDEA' });
      return { counts: { findings: 0 } };
    };
    const { output, out } = await reviewed(await copyOfFixture('small'), {}, { facts: failing });
    expect(output).toMatchObject({ status: 'delivered', replies: { ok: 23, failed: 1 } });
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('- facts, task 19: `NO_IDEA` too hard');
  });

  test('a reviewer that is late is not waited for under a deadline', async () => {
    const late: Agent = (input) =>
      JSON.stringify(input).includes('grade.js')
        ? new Promise<Json>(() => undefined)
        : Promise.resolve({ counts: {} });
    const { output } = await reviewed(await copyOfFixture('small'), { policy: 500 }, { facts: late });
    expect(output).toMatchObject({
      status: 'delivered',
      replies: { outcome: 'deadline', ok: 23, missing: 1 },
    });
  });

  test('findings that got lost stop the review', async () => {
    const liar: Agent = async () => ({ counts: { findings: 1_000 } });
    const { output } = await reviewed(await copyOfFixture('small'), {}, { facts: liar });
    expect(output).toMatchObject({ status: 'failed', at: 'collecting', error: { code: 'FINDINGS_LOST' } });
  });

  test('an empty folder', async () => {
    const { output } = await reviewed(await temporaryFolder());
    expect(output).toMatchObject({
      status: 'failed',
      at: 'scanning',
      error: { code: 'FOLDER_EMPTY' },
      restored: true,
    });
  });
});
