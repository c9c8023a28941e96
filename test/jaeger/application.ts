// What the check looks at: runs on a real socket that wait, fail, cost and are still open, exported to the Jaeger that listens.
import { setTimeout as sleep } from 'node:timers/promises';
import { startTelemetry } from '../../otel/register.ts';
import type { AgentContext } from '../../src/contract/config.ts';
import { QuorateError } from '../../src/contract/errors.ts';
import { app, startRuntime } from '../kit/runtime.ts';

const SLOW_MS = 300;

async function work(input: unknown, { signal, attempt, usage }: AgentContext): Promise<string> {
  const { item = input } = (input ?? {}) as { readonly item?: unknown };
  if (item === 'bad') throw Object.assign(new Error('not to be read'), { code: 'UNREADABLE' });
  if (item === 'unsteady' && attempt === 1) throw new QuorateError('AGENT_TIMEOUT', 'no answer in time');
  if (item === 'never')
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('told')));
    });
  usage({ inputTokens: 1_000, outputTokens: 100, model: 'gpt-5' });
  await sleep(item === 'slow' ? SLOW_MS : 20);
  return String(item);
}

/** Resolves when all spans but those of what is left open have been exported. */
export async function runApplication(endpoint: string, serviceName: string): Promise<void> {
  const telemetry = await startTelemetry({ endpoint, serviceName });
  const machines = Object.fromEntries(
    ['chain', 'gathering', 'counting'].map((name) => [name, app('traced.machine.ts', name)]),
  );
  const retry = { attempts: 2, backoffMs: 20, maxBackoffMs: 20 };
  const { runtime, ...test } = await startRuntime({
    machines,
    agents: { work: { run: work, concurrency: 10, retry } },
    prices: { 'gpt-5': { inputPerMillion: 1, outputPerMillion: 10, at: '2026-11-01' } },
  });
  const { client } = runtime;
  const gathering = (id: string, atLeast: number, items: readonly string[]) => ({
    id,
    input: { atLeast, items },
  });
  await client.run('chain', { id: 'done' });
  await client.run('gathering', gathering('slow', 2, ['quick', 'slow', 'never']));
  await client.run('gathering', gathering('retried', 2, ['quick', 'unsteady']));
  await client.run('gathering', gathering('failed', 2, ['bad', 'bad', 'quick']));
  await client.start('gathering', gathering('open', 2, ['quick', 'never']));
  await client.start('counting', { id: 'gone' });
  await client.send('counting', 'gone', { type: 'boom' });
  await client.send('counting', 'gone', { type: 'end' });
  await client.result('counting', 'gone');
  await client.send('counting', 'gone', { type: 'add' });
  await sleep(1_000);
  await test[Symbol.asyncDispose]();
  await telemetry.shutdown();
}
