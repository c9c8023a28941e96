// Client, host and agents in three processes give one connected trace, readable in Jaeger.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lintTrace } from '../../otel/lint.ts';
import { readTraceFile } from '../../otel/otlp.ts';
import { ROOT, startCli } from './cli-process.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/repos/small/', import.meta.url));
const CLIENT = fileURLToPath(new URL('../kit/trace-client.js', import.meta.url));
const CONFIG = join(ROOT, 'examples/repo-review/quorate.config.ts');
const HANG_MS = 120_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-traces-'));
  await cp(FIXTURE, join(folder, 'repo'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a review across three processes', () => {
  it('is one connected trace: one id, every parent there, the gather linked to its replies, nothing dropped', {
    timeout: HANG_MS,
  }, async () => {
    const host = (roles: string) =>
      startCli(['start', '--config', CONFIG, '--port', '0', '--trace-file', join(folder, `${roles}.jsonl`)], {
        cwd: folder,
        env: { QUORATE_ROLES: roles, OTEL_SERVICE_NAME: roles },
      });
    const actors = host('actors');
    await actors.says(/^machines/m);
    const agents = host('agents');
    await agents.says(/^machines/m);
    const data = join(folder, '.quorate');
    const input = {
      folder: join(folder, 'repo'),
      out: join(folder, 'out'),
      runId: 'r1',
      runs: join(data, 'runs'),
    };
    const traceFile = join(folder, 'client.jsonl');
    await promisify(execFile)(process.execPath, [CLIENT, data, traceFile, 'r1', JSON.stringify(input)], {
      cwd: ROOT,
      timeout: HANG_MS,
    });
    for (const { child } of [agents, actors]) child.kill('SIGTERM');
    const ends = await Promise.all([agents.ended, actors.ended]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    for (const { stderr } of ends) expect(stderr).not.toContain('did not reach');

    const spans = (
      await Promise.all(
        ['client', 'actors', 'agents'].map((name) => readTraceFile(join(folder, `${name}.jsonl`))),
      )
    ).flat();
    const [root] = spans.filter(({ name }) => name === 'run review');
    expect(root).toBeDefined();
    const trace = spans.filter(({ traceId }) => traceId === root?.traceId);
    expect(new Set(trace.map(({ service }) => service))).toEqual(new Set(['client', 'actors', 'agents']));
    expect(lintTrace(trace)).toEqual([]);
    // Everything that the review did is in this trace.
    expect(
      spans.filter(
        ({ name, traceId }) =>
          traceId !== root?.traceId && /^(task|gather|turn|process actor\.review)/.test(name),
      ),
    ).toEqual([]);
    const gather = trace.find(({ name }) => name.startsWith('gather '));
    expect(gather?.links).toHaveLength(24);
    const names = new Set(trace.map(({ name }) => name.split(' ')[0]));
    expect([...names]).toEqual(
      expect.arrayContaining(['run', 'send', 'process', 'turn', 'task', 'scatter-gather', 'gather', 'actor']),
    );
  });
});
