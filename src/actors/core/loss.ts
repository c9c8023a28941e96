// The context of a machine on its way into the session state: what would not come back as it was is refused.
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { isJson, lossOf } from '../../contract/loss.ts';
import { toJson } from './json.ts';

/** `context` as JSON; throws what stands in the way. */
export function contextToJson(context: unknown, machine: string): Json {
  if (isJson(context)) return context;
  const loss = lossOf(context, 'context');
  if (loss === undefined) return toJson(context);
  throw new QuorateError('MACHINE_NOT_DURABLE', `machine '${machine}': ${loss}`);
}
