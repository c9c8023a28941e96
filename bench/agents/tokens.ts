// What model agents report against what their provider counted: once undisturbed, where both are the same to the token, and once while
// their hosts are killed, where what a killed call used is at most what was reserved for it. The model, the asker and each of the four
// hosts of agents are processes of their own.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/client/connect.ts';
import type { Costs } from '../../src/contract/usage.ts';
import type { Call } from '../../test/kit/model/server.ts';
import { startApplication, startModel, untilQuiet } from '../control/kit.ts';
import { type Measurement, measurement } from '../kit/measurement.ts';
import { say } from '../kit/progress.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const [TASKS, HOSTS, CONCURRENCY, CALL_MS, OUTPUT_TOKENS] = [1_000, 4, 8, 300, 40];
const MAX_OUTPUT_TOKENS = 100;
const LOCK_MS = 5_000;
const KILL_EVERY_MS = 2_000;
const LIMIT_MS = 600_000;
/** Micro-USD a token. */
const [INPUT_PRICE, OUTPUT_PRICE] = [2, 10];

export const ABOUT = `${TASKS} model tasks over ${HOSTS} processes, undisturbed and with one killed every ${KILL_EVERY_MS / 1_000} s: what was billed and what was reported`;

export async function measureTokens(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  await using model = await startModel({ outputTokens: OUTPUT_TOKENS });
  const common = { rest: configOf(model.url), limitMs: LIMIT_MS };
  await using _asker = await startApplication(folder.path, { name: 'actors', roles: ['actors'], ...common });
  const start = (name: string) => startApplication(folder.path, { name, roles: ['agents'], ...common });
  const client = await connect({ data: join(folder.path, 'data'), env: {} });
  const over = new AbortController();
  const killing = Promise.withResolvers<void>();
  let kills = 0;
  /** One of the hosts, and those that come after it; they are killed in turn. */
  const keep = async (at: number): Promise<void> => {
    for (let waitMs = (at + 1) * KILL_EVERY_MS; !over.signal.aborted; waitMs = HOSTS * KILL_EVERY_MS) {
      await using host = await start(`agents-${at}`);
      await killing.promise;
      await sleep(waitMs, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      host.kill('SIGKILL');
      kills += 1;
    }
  };
  const hosts = Promise.all(Array.from({ length: HOSTS }, (_, at) => keep(at)));
  const run = async (id: string): Promise<{ calls: readonly Call[]; costs: Costs }> => {
    say(`${TASKS} tasks: ${id}`);
    const items = Array.from({ length: TASKS }, (_, at) => `${id} ${'x'.repeat(at % 97)}`);
    const plan = { agents: ['work'], items, policy: { kind: 'all' }, collect: 'counts' };
    await client.run('fan', { id, input: plan as never, timeoutMs: LIMIT_MS });
    const calls = await untilQuiet(model, TASKS);
    return { calls, costs: await client.costs('fan', id) };
  };
  try {
    const quiet = await run('undisturbed');
    killing.resolve();
    const killed = await run('killed');
    over.abort();
    await hosts;
    return [...undisturbed(quiet), ...underKills(killed), measurement('agents.tokens.kills', '', [kills])];
  } finally {
    over.abort();
    killing.resolve();
    await hosts.catch(() => undefined);
    await client.close();
  }
}

interface Run {
  readonly calls: readonly Call[];
  readonly costs: Costs;
}

function undisturbed({ calls, costs: { total, estimated } }: Run): Measurement[] {
  const reported = total.inputTokens + total.outputTokens;
  return [
    measurement('agents.tokens.billed', 'tokens', [billedIn(calls)]),
    measurement('agents.tokens.calls.off-by', 'calls', [Math.abs(total.calls - calls.length)], 1),
    measurement('agents.tokens.off-by', 'tokens', [Math.abs(reported - billedIn(calls))], 1),
    measurement('agents.tokens.money.off-by', 'micro-USD', [Math.abs(total.microUsd - moneyOf(calls))], 1),
    measurement('agents.tokens.estimated', 'tokens', [estimated.inputTokens + estimated.outputTokens], 1),
  ];
}

/** What was billed lies between what was measured and what was measured and reserved. */
function underKills({ calls, costs: { total, estimated } }: Run): Measurement[] {
  const most = total.inputTokens + total.outputTokens;
  const exact = most - estimated.inputTokens - estimated.outputTokens;
  const billed = billedIn(calls);
  return [
    measurement('agents.tokens.killed.billed', 'tokens', [billed]),
    measurement('agents.tokens.killed.reported', 'tokens', [exact]),
    measurement('agents.tokens.killed.reported-at-most', 'tokens', [most]),
    measurement('agents.tokens.killed.estimated-calls', 'calls', [estimated.calls]),
    measurement('agents.tokens.killed.billed-above-most', 'tokens', [Math.max(0, billed - most)], 1),
    measurement('agents.tokens.killed.reported-above-billed', 'tokens', [Math.max(0, exact - billed)], 1),
  ];
}

function billedIn(calls: readonly Call[]): number {
  return calls.reduce((sum, { billedTokens }) => sum + billedTokens, 0);
}

function moneyOf(calls: readonly Call[]): number {
  const cost = ({ inputTokens, outputTokens }: Call): number =>
    inputTokens * INPUT_PRICE + outputTokens * OUTPUT_PRICE;
  return calls.reduce((sum, call) => sum + cost(call), 0);
}

/** As text, with all that it imports named by where it lies: the file itself lies in a folder without packages. */
function configOf(url: string): string {
  const ai = new URL('../../dist/src/exports/ai.js', import.meta.url).href;
  const provider = import.meta.resolve('@ai-sdk/openai-compatible');
  return `lockDurationMs: ${LOCK_MS},
    prices: { m: { inputPerMillion: ${INPUT_PRICE}, outputPerMillion: ${OUTPUT_PRICE}, at: '2026-11-30' } },
    agents: {
      work: {
        ...(await import('${ai}')).modelAgent({
          model: (await import('${provider}'))
            .createOpenAICompatible({
              name: 'kit',
              baseURL: '${url}',
              queryParams: { ms: '${CALL_MS}' },
              includeUsage: true,
            })
            .chatModel('m'),
          prompt: ({ item }) => 'Say something about ' + item,
          maxOutputTokens: ${MAX_OUTPUT_TOKENS},
        }),
        concurrency: ${CONCURRENCY},
      },
    },`;
}
