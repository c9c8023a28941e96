// What `npm start` and `npm run demo` ask of a runtime, and what they keep for the next process.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readReviewRecord } from '../../../../examples/repo-review/client/record.ts';
import type { ReviewContext } from '../../../../examples/repo-review/client/review.ts';
import * as demo from '../../../../examples/repo-review/demo.ts';
import type { ReviewOutput } from '../../../../examples/repo-review/protocol.ts';
import * as start from '../../../../examples/repo-review/start.ts';
import { toCosts } from '../../../../src/contract/usage.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-scripts-'));
});
afterEach(() => rm(folder, { recursive: true }));

const REPORT = {
  files: { reviewed: 1 },
  replies: { ok: 4, total: 4 },
  findings: { total: 0, bySeverity: {} },
  plan: { items: [], score: 1, rounds: 1 },
  model: { calls: 0 },
};

/** A runtime whose reviews end as `result` says; `started` are the ids that it was asked to start. */
function contextOf(result: (signal: AbortSignal) => Promise<ReviewOutput>, taken: readonly string[] = []) {
  const stop = new AbortController();
  const started: string[] = [];
  const lines: string[] = [];
  const client = {
    start: (_: string, { id }: { id: string }) => {
      started.push(id);
      return Promise.resolve({ answer: taken.includes(id) ? 'exists' : 'started' });
    },
    result: (_: string, id: string, { signal }: { signal: AbortSignal }) => result(signal),
    query: () => Promise.reject(new Error('nobody answers')),
    costs: () => Promise.resolve(toCosts([], true)),
  };
  const terminal = {
    interactive: false,
    line: (text: string) => lines.push(text),
    row: (label: string, text: string) => lines.push(`${label} ${text}`),
    status: () => {},
  };
  const args = [folder, '--out', join(folder, 'out')];
  const runtime = { info: { dataFolder: join(folder, 'data') }, client };
  const context = { runtime, args, signal: stop.signal, terminal } as unknown as ReviewContext;
  return { context, started, lines, stop };
}

const delivers = async (): Promise<ReviewOutput> => {
  await mkdir(join(folder, 'out'), { recursive: true });
  await writeFile(join(folder, 'out', 'report.json'), JSON.stringify(REPORT));
  return { status: 'delivered' } as ReviewOutput;
};
const failing = (): Promise<ReviewOutput> =>
  Promise.resolve({
    status: 'failed',
    at: 'scanning',
    error: { code: 'OWN', message: 'no' },
    restored: true,
  });
const lasting = (signal: AbortSignal): Promise<ReviewOutput> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const recordOf = () => readReviewRecord(join(folder, 'data'));

describe('npm start', () => {
  it('begins another review after one that was delivered or has failed', async () => {
    const first = contextOf(delivers);
    await start.run(first.context);
    expect(first.lines.map((line) => line.split(' ')[0])).toEqual([
      'review',
      'report',
      'reviewed',
      'findings',
      'plan',
      'model',
    ]);
    expect(await recordOf()).toEqual({ run: 1 });
    const second = contextOf(failing);
    await expect(start.run(second.context)).rejects.toMatchObject({ code: 'OWN' });
    expect(await recordOf()).toEqual({ run: 2 });
    expect(new Set([...first.started, ...second.started]).size).toBe(2);
  });

  it('continues a review that it was stopped in, with the input of that one', async () => {
    const first = contextOf(lasting);
    const ended = start.run(first.context);
    await expect.poll(() => first.started).toHaveLength(1);
    first.stop.abort();
    await ended;
    const { open } = await recordOf();
    expect(open).toMatchObject({ id: first.started[0], input: { folder, out: join(folder, 'out') } });
    const second = contextOf(delivers);
    await start.run({ ...second.context, args: ['elsewhere'] });
    expect(second.started).toEqual(first.started);
    expect(second.lines[0]).toBe(`review ${first.started[0]} of ${folder} (continued)`);
    expect(await recordOf()).toEqual({ run: 1 });
  });

  it('takes the next id where the count was lost', async () => {
    const lost = contextOf(delivers);
    await start.run(lost.context);
    await rm(join(folder, 'data'), { recursive: true });
    const next = contextOf(delivers, lost.started);
    await start.run(next.context);
    expect(next.started).toEqual([lost.started[0], lost.started[0]?.replace(/1$/, '2')]);
  });
});

describe('npm run demo', () => {
  it('leaves the review alone that npm start has open', async () => {
    const first = contextOf(lasting);
    const ended = start.run(first.context);
    await expect.poll(() => first.started).toHaveLength(1);
    first.stop.abort();
    await ended;
    const other = contextOf(delivers);
    await demo.run(other.context);
    expect(other.started).not.toEqual(first.started);
    expect(await recordOf()).toMatchObject({ run: 2, open: { id: first.started[0] } });
  });

  it('says what becomes of a review that it was stopped in', async () => {
    const { context, started, lines, stop } = contextOf(lasting);
    const ended = demo.run(context);
    await expect.poll(() => started).toHaveLength(1);
    stop.abort();
    await ended;
    expect(lines.at(-1)).toMatch(/^the review is kept/);
  });
});
