// Loaded into a host with `node --import`: appends one JSON line a commit to $QUORATE_BENCH_COMMITS. It wraps the SDK's own
// call, so that the product needs no switch for it. Plain JavaScript: Node's type stripping would add 20 MB to every thread.
import { appendFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const file = process.env['QUORATE_BENCH_COMMITS'];
// Worker threads inherit the flag, but commit nothing: they must not pay for the SDK.
if (isMainThread && file !== undefined) await watchCommits(file);

/** @param {string} path */
async function watchCommits(path) {
  const { ServiceBusClient } = await import('@azure/service-bus');
  // oxlint-disable-next-line typescript/unbound-method -- called with its own client below
  const accept = ServiceBusClient.prototype.acceptNextSession;
  ServiceBusClient.prototype.acceptNextSession = async function (...args) {
    const receiver = await accept.apply(this, args);
    const write = receiver.setSessionState.bind(receiver);
    receiver.setSessionState = async (state, options) => {
      await write(state, options);
      const at = performance.timeOrigin + performance.now();
      const actor = `${state?.type ?? ''}/${receiver.sessionId}`;
      const bytes = Buffer.byteLength(JSON.stringify(state));
      appendFileSync(path, `${JSON.stringify({ at, bytes, actor, turn: state?.core?.turn ?? 0 })}\n`);
    };
    return receiver;
  };
}
