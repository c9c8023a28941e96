// A run with a budget for a part of its branches, whose agents are killed again and again: what the model billed, and that the run ends
// with what was there.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/client/connect.ts';
import { type Measurement, measurement } from '../kit/measurement.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startApplication, startModel, untilQuiet } from './kit.ts';

const LIMIT_MS = 600_000;
const LOCK_MS = 5_000;
const [BRANCHES, CONCURRENCY, CALL_MS] = [200, 8, 2_000];
const BUDGET = 100_000;
/** Of a branch, input and output together. */
const TOKENS = 1_000;
const OUTPUT_TOKENS = 800;
const KILL_EVERY_MS = 5_000;

export const ABOUT = `a budget of ${BUDGET} tokens for ${BRANCHES} branches of ${TOKENS}, whose host of agents is killed every ${KILL_EVERY_MS / 1_000} s`;

export async function measureBudget(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  await using model = await startModel({ outputTokens: OUTPUT_TOKENS });
  const rest = `lockDurationMs: ${LOCK_MS},
    agents: {
      work: {
        concurrency: ${CONCURRENCY},
        estimate: () => ({ tokens: ${TOKENS} }),
        run: async (_input, { signal, usage }) => {
          const response = await fetch('${model.url}/?ms=${CALL_MS}', {
            method: 'POST',
            body: 'x'.repeat(${(TOKENS - OUTPUT_TOKENS) * 4}),
            signal,
          });
          const { usage: used } = await response.json();
          usage({ inputTokens: used.input_tokens, outputTokens: used.output_tokens });
          return {};
        },
      },
    },`;
  const common = { rest, limitMs: LIMIT_MS };
  await using _asker = await startApplication(folder.path, { name: 'actors', roles: ['actors'], ...common });
  const client = await connect({ data: join(folder.path, 'data'), env: {} });
  const over = new AbortController();
  let kills = 0;
  const agents = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await using host = await startApplication(folder.path, {
        name: 'agents',
        roles: ['agents'],
        ...common,
      });
      await sleep(KILL_EVERY_MS, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      host.kill('SIGKILL');
      kills += 1;
    }
  };
  const killing = agents();
  try {
    const items = Array.from({ length: BRANCHES }, (_, at) => at);
    const plan = { agents: ['work'], items, policy: { kind: 'all' }, collect: 'counts' };
    const budget = { tokens: BUDGET, onExhausted: 'fail' } as const;
    const startedAt = performance.now();
    await client.run('fan', { id: 'run', input: plan as never, budget, timeoutMs: LIMIT_MS });
    const tookMs = performance.now() - startedAt;
    const { total, estimated } = await client.costs('fan', 'run');
    over.abort();
    await killing;
    const calls = await untilQuiet(model, 1);
    const billed = calls.reduce((sum, { billedTokens }) => sum + billedTokens, 0);
    return [
      measurement('control.budget.billed', 'tokens', [billed], BUDGET + 1),
      measurement('control.budget.booked', 'tokens', [total.inputTokens + total.outputTokens], BUDGET + 1),
      measurement('control.budget.estimated', 'tokens', [estimated.inputTokens + estimated.outputTokens]),
      measurement('control.budget.kills', '', [kills]),
      measurement('control.budget.ends-after', 'ms', [tookMs]),
    ];
  } finally {
    over.abort();
    await killing;
    await client.close();
  }
}
