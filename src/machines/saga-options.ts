// What a saga is configured with, checked where it is written: in the module that makes the machine.
import { QuorateError } from '../contract/errors.ts';
import type { SagaStep } from './saga-types.ts';

export interface SagaOptions<Name extends string = string> {
  /** Default `saga`. */
  readonly id?: string;
  /** In the order in which they are done; each agent gets a `SagaTask`. */
  readonly steps: readonly SagaStep<Name>[];
  /** Attempts at each compensation, the first included; on top of those of its agent. Default 3. */
  readonly compensationAttempts?: number;
  /** Before the second attempt, in ms; doubles each time. Default 1,000. */
  readonly backoffMs?: number;
  /** Default 60,000. */
  readonly maxBackoffMs?: number;
}

const DEFAULTS = { id: 'saga', compensationAttempts: 3, backoffMs: 1_000, maxBackoffMs: 60_000 } as const;

/** They become parts of state ids, in which a dot would be a level. */
const NAME = /^[a-zA-Z][\w-]*$/;

export function checkSagaOptions(given: SagaOptions): Required<SagaOptions> {
  const options = { ...DEFAULTS, ...given };
  const { id, steps, compensationAttempts, backoffMs, maxBackoffMs } = options;
  const refuse = (why: string): never => {
    throw new QuorateError('CONFIG_INVALID', `saga '${id}': ${why}`);
  };
  const names = steps.map(({ name }) => name);
  if (names.length === 0) refuse('steps: at least one');
  const odd = [id, ...names].find((name) => !NAME.test(name));
  if (odd !== undefined) refuse(`'${odd}': ids and names are a letter, then letters, digits, _ and -`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(`step '${twice}' is there twice`);
  if (!Number.isInteger(compensationAttempts) || compensationAttempts < 1)
    refuse('compensationAttempts: at least 1');
  if (!(backoffMs >= 0 && maxBackoffMs >= 0)) refuse('backoffMs and maxBackoffMs: at least 0');
  return options;
}
