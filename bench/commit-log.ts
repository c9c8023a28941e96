// Loaded into a host with `node --import`: appends one JSON line a commit to $QUORATE_BENCH_COMMITS. It wraps the SDK's own
// call, so that the product needs no switch for it.
import { appendFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import type { ServiceBusSessionReceiver } from '@azure/service-bus';

export interface Commit {
  /** Epoch ms with fractions: when the broker had accepted it. */
  readonly at: number;
  /** What the broker stores: the JSON text of the state. */
  readonly bytes: number;
  readonly actor: string;
  /** Inputs applied in the actor's life. */
  readonly turn: number;
}

interface State {
  readonly type: string;
  readonly core: { readonly turn: number } | null;
}

type Accept = (...args: unknown[]) => Promise<ServiceBusSessionReceiver>;

const file = process.env['QUORATE_BENCH_COMMITS'];
// Worker threads inherit the flag, but commit nothing: they must not pay for the SDK.
if (isMainThread && file !== undefined) await watchCommits(file);

async function watchCommits(path: string): Promise<void> {
  const { ServiceBusClient } = await import('@azure/service-bus');
  const client = ServiceBusClient.prototype as unknown as { acceptNextSession: Accept };
  const accept = client.acceptNextSession;
  client.acceptNextSession = async function (this: unknown, ...args: unknown[]) {
    const receiver = await accept.apply(this, args);
    const write = receiver.setSessionState.bind(receiver);
    receiver.setSessionState = async (state: unknown, options) => {
      await write(state, options);
      const at = performance.timeOrigin + performance.now();
      const { type, core } = (state ?? { type: '', core: null }) as State;
      const commit: Commit = {
        at,
        bytes: Buffer.byteLength(JSON.stringify(state)),
        actor: `${type}/${receiver.sessionId}`,
        turn: core?.turn ?? 0,
      };
      appendFileSync(path, `${JSON.stringify(commit)}\n`);
    };
    return receiver;
  };
}
