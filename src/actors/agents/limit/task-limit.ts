// The limit of one agent, as its tasks meet it: what a call is taken to need before anybody knows, what it is let through with, and
// what its end says of the other side.
import { QuorateError } from '../../../contract/errors.ts';
import { failureOf } from '../../../contract/failure.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import type { Ended } from '../../../control/limit/lease.ts';
import type { Permit } from './limit-client.ts';
import type { Limit } from './limits.ts';

/** A token is about so many characters of English; and an answer has as many tokens as most answers have at most. */
const CHARACTERS_PER_TOKEN = 4;
const OUTPUT_TOKENS = 1_000;

/** Where the agent does not estimate. */
export function defaultTokens(input: Json): number {
  return Math.ceil(JSON.stringify(input).length / CHARACTERS_PER_TOKEN) + OUTPUT_TOKENS;
}

/** What an attempt came to. */
type Over = { readonly kind: 'done' | 'cancelled' } | { readonly kind: 'failed'; readonly error: ErrorJson };

/** What one attempt was let through with: the call that it is, and further ones that it reserves. */
export class TaskPermits {
  readonly #limit: Limit;
  readonly #first: Permit;
  readonly #more = new Set<Permit>();
  readonly #begunAt: number;
  #isFirstTaken = false;
  /** Tokens of further calls that have ended. */
  #usedByMore = 0;

  constructor(limit: Limit, first: Permit) {
    this.#limit = limit;
    this.#first = first;
    this.#begunAt = limit.now();
  }

  get name(): string {
    return this.#first.limit;
  }

  /** A further call of the attempt waits until it is let through; the first one is already. */
  async reserve(tokens: number, signal: AbortSignal): Promise<(used?: number) => void> {
    if (!this.#isFirstTaken) {
      this.#isFirstTaken = true;
      return () => {};
    }
    for (;;) {
      signal.throwIfAborted();
      const acquired = await this.#limit.acquire(tokens, signal);
      if (acquired.kind === 'closed') throw limitOpen(this.#limit.name, acquired.waitMs);
      if (acquired.kind === 'later') continue;
      const { permit } = acquired;
      const begunAt = this.#limit.now();
      this.#more.add(permit);
      return (used) => {
        this.#more.delete(permit);
        this.#usedByMore += used ?? tokens;
        permit.end({ kind: 'good', ms: this.#limit.now() - begunAt }, used);
      };
    }
  }

  /** `used`: tokens of the whole attempt, where they are known. */
  end(attempt: Over, used: number | undefined): void {
    const further = [...this.#more];
    const byMore = further.reduce((sum, { tokens }) => sum + tokens, this.#usedByMore);
    const isCut = attempt.kind !== 'done' && further.length > 0;
    const ended = endedOf(attempt, this.#limit.now() - this.#begunAt);
    for (const permit of further) permit.end(isCut ? ended : { kind: 'none' });
    this.#first.end(isCut ? { kind: 'none' } : ended, used === undefined ? undefined : used - byMore);
  }

  /** The attempt is not made after all. */
  undo(): void {
    this.#first.undo();
  }
}

/** Of a limit whose tasks do not wait while its breaker is open. */
export function limitOpen(name: string, waitMs: number): QuorateError {
  const again = `again in ${Math.ceil(waitMs / 1_000)} s at the earliest`;
  return new QuorateError('LIMIT_OPEN', `the breaker of limit '${name}' is open: its calls fail; ${again}`);
}

/** What an attempt says of what it called. */
function endedOf(attempt: Over, ms: number): Ended {
  if (attempt.kind === 'done') return { kind: 'good', ms };
  const failure = attempt.kind === 'failed' ? failureOf(attempt.error) : undefined;
  switch (failure?.kind) {
    case 'throttled':
      return { kind: 'throttled', waitMs: failure.retryAfterMs };
    case 'overloaded':
    case 'transient':
    case 'unknown':
      return { kind: 'failed', waitMs: failure.retryAfterMs };
    case 'account':
      return { kind: 'account' };
    default:
      return { kind: 'none' };
  }
}
