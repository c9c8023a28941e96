// What a provider of models knows: what it was asked, what it let through and what it bills. Pure: the server gives it the time.
// Its limits are those of providers: so many requests and so many estimated tokens (prompt and the most that may be answered) a
// window; rejected requests do not count. What a caller breaks off is billed as far as it was made if it streamed, else in full.

/**
 * How a call ended. `cut`: the connection was cut by the model; `broke`: an error within the stream; `hung`: the caller left without an
 * answer; `refused`: an error instead of one.
 */
export type End = 'answered' | 'aborted' | 'broke' | 'cut' | 'hung' | 'refused';

/** Times in epoch ms. Tokens as the provider counts them, whatever it tells. */
export interface Call {
  readonly path: string;
  readonly status: number;
  readonly begunAt: number;
  readonly endedAt: number;
  readonly end: End;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Input and output together, of what is to be paid. */
  readonly billedTokens: number;
}

export interface Limit {
  readonly windowMs: number;
  readonly requests?: number;
  /** Prompt and most output together. */
  readonly tokens?: number;
}

/** A window that begins with the first request after the last one's end. */
export class Window {
  readonly #limit: Limit;
  #endsAt = 0;
  #requests = 0;
  #tokens = 0;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** Counts a request that is let through; else gives how long the window lasts still, in ms, and what was exceeded. */
  take(
    tokens: number,
    now: number,
  ): { readonly waitMs: number; readonly of: 'requests' | 'tokens' } | undefined {
    const { windowMs, requests = Infinity, tokens: most = Infinity } = this.#limit;
    if (now >= this.#endsAt) {
      this.#endsAt = now + windowMs;
      this.#requests = 0;
      this.#tokens = 0;
    }
    const waitMs = this.#endsAt - now;
    if (this.#requests + 1 > requests) return { waitMs, of: 'requests' };
    // One that is larger than the window passes alone.
    if (this.#tokens > 0 && this.#tokens + tokens > most) return { waitMs, of: 'tokens' };
    this.#requests += 1;
    this.#tokens += tokens;
    return undefined;
  }
}

/** Characters of a text as tokens, as most tokenizers have it. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

/** `made`: output tokens that were made by then, `whole`: that the answer has. */
export function billed(
  end: End,
  {
    inputTokens,
    made,
    whole,
    streams,
  }: { inputTokens: number; made: number; whole: number; streams: boolean },
): number {
  if (end === 'refused' || (end === 'broke' && made === 0)) return 0;
  return inputTokens + (end === 'answered' || !streams ? whole : made);
}
