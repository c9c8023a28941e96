// What a CPU agent gets beside its input: an abort signal, a report of usage and a stream of pieces that work across its thread's
// border.
import type { MessagePort } from 'node:worker_threads';
import type { ModuleAgentContext } from '../../contract/config.ts';
import { fromErrorJson } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { Usage } from '../../contract/usage.ts';
import type { FromAgent, ToAgent } from '../../contract/worker.ts';

/** Can be cloned, and is no JSON. */
const NO_JSON = Number.NaN;

export interface OpenContext {
  readonly context: ModuleAgentContext;
  /** Says that this was all. */
  readonly close: () => void;
}

export function openContext(
  given: Pick<ModuleAgentContext, 'key' | 'attempt' | 'deadlineAt'>,
  transferred: object | undefined,
): OpenContext {
  const line = transferred as MessagePort | undefined;
  const controller = new AbortController();
  line?.on('message', ({ abort }: ToAgent) => controller.abort(fromErrorJson(abort)));
  // It keeps no thread from ending.
  line?.unref();
  const say = (what: FromAgent): void => line?.postMessage(what, []);
  const usage = (used: Usage): void => {
    try {
      say({ kind: 'usage', usage: used });
    } catch {
      // What cannot be cloned is no usage: the host says so, and the attempt does not fail of it.
      say({ kind: 'usage', usage: null });
    }
  };
  const stream = (chunk: Json): void => {
    try {
      say({ kind: 'stream', chunk });
    } catch {
      // What cannot be cloned is no JSON either: the host says so, and leaves it out.
      say({ kind: 'stream', chunk: NO_JSON });
    }
  };
  return {
    context: { ...given, signal: controller.signal, usage, stream },
    close: () => {
      say({ kind: 'end' });
      line?.close();
    },
  };
}
