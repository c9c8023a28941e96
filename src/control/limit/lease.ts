// What one process has of a limit: its lease, what it runs, what it has seen, and when it is to ask. Every call is told the time of
// the process' own clock, in ms, which never goes back. It sends nothing by itself: `ask` gives what is to be sent, and `lookAt` says
// when to look again.
import type { ReplyAddress } from '../../contract/effect.ts';
import type { Amount, Ask, Grant, LimitSettings, Push, Seen } from './protocol.ts';

/** An ask that is not answered is sent again: its limiter may be on its way to another host. */
const REPEAT_MS = 1_000;
/** Between two asks of a process that wants more than it gets. */
const LEAST_GAP_MS = 250;
/** What it saw, and calls that ended, are told together. */
const REPORT_MS = 100;
/** Calls that ended are told when no others have begun for so long. */
const RELEASE_MS = 250;
/** A third of what the limiter takes for death. */
const BEATS = 3;
/** It asks for what it has begun lately, and half as much again. */
const GROWTH = 1.5;
const RECENT_MS = 1_000;
/** It asks for more when it has less than so much of what it has begun lately: an answer takes a while. */
const SPARE = 0.6;
const MEAN_WEIGHT = 0.2;

/** How a call ended, as far as the limit is concerned. */
export type Ended =
  | { readonly kind: 'good'; readonly ms: number }
  | { readonly kind: 'throttled'; readonly waitMs?: number | undefined }
  /** They could not serve; perhaps they said for how long. */
  | { readonly kind: 'failed'; readonly waitMs?: number | undefined }
  /** Nothing on that account works until a person acts. */
  | { readonly kind: 'account' }
  /** It says nothing of the other side. */
  | { readonly kind: 'none' };

/** What waits here now. */
export interface Demand {
  /** Calls that wait, and those that would come. */
  readonly count: number;
  /** Tokens of the one that waits first; undefined where none waits yet. */
  readonly first?: number | undefined;
}

export interface LeaseOptions {
  readonly process: string;
  readonly from: ReplyAddress;
  readonly settings: LimitSettings;
  readonly revision: number;
  /** When the process began, epoch ms. */
  readonly begunAt?: number;
  readonly silenceMs: number;
  /** Where time stands still while anybody works nothing is gathered to be told together. */
  readonly reportsAtOnce?: boolean;
}

const NOTHING: Amount = { requests: 0, tokens: 0 };
const NOTHING_SEEN: Seen = { good: 0, goodMs: 0, throttled: 0, failed: 0 };

interface Lot {
  /** Of the ask that it was granted for. */
  readonly seq: number;
  readonly until: number;
  requests: number;
  tokens: number;
}

export class Lease {
  readonly #options: LeaseOptions;
  /** What was granted and is left, oldest first: the next is asked for before the last is spent. */
  #lots: Lot[] = [];
  /** Of lots that ended before they were spent, since the last ask. */
  #unspent: Amount = NOTHING;
  #permits = Number.POSITIVE_INFINITY;
  /** By the limiter, and by what it has seen itself and not told yet. */
  #pausedUntil = 0;
  #ownPauseUntil = 0;
  /** The breaker, as the limiter said last. */
  #isOpen = false;
  #asked: { readonly ask: Ask; readonly at: number; readonly pauseUntil: number; sentAt: number } | undefined;
  #seq = 0;
  #askAt = 0;
  #reportAt = Number.POSITIVE_INFINITY;
  /** Calls that the limiter takes for running, where it counts them. */
  #held = 0;
  #heardAt = 0;
  #running = 0;
  #seen = NOTHING_SEEN;
  #debt = 0;
  #spentOf = 0;
  #begun: number[] = [];
  #mean: number | undefined;
  /** Of the call that waited first, as long as none has begun. */
  #first = 1;
  #settings: LimitSettings;
  #revision: number;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#revision = options.revision;
  }

  /** As the limiter said last. */
  get settings(): LimitSettings {
    return this.#settings;
  }

  get revision(): number {
    return this.#revision;
  }

  get running(): number {
    return this.#running;
  }

  pausedMs(now: number): number {
    const own = Math.max(this.#ownPauseUntil, this.#asked?.pauseUntil ?? 0);
    return Math.max(0, Math.max(this.#pausedUntil, own) - now);
  }

  /** Calls fail over there: none begins for so long, as far as anybody knows. */
  openMs(now: number): number {
    return this.#isOpen ? this.waitMs(now) : 0;
  }

  /** Tokens that a call takes which nobody knows yet. */
  get mean(): number {
    return Math.ceil(this.#mean ?? this.#first);
  }

  fits(now: number, tokens = this.mean): boolean {
    const { requests, tokens: left } = this.#left(now);
    return this.pausedMs(now) === 0 && requests >= 1 && left >= tokens && this.#running < this.#permits;
  }

  /** True: it begins, and has taken what it needs. */
  begin(now: number, tokens: number): boolean {
    if (!this.fits(now, tokens)) return false;
    this.#spend(1, tokens);
    this.#running += 1;
    this.#begun.push(now);
    this.#mean = this.#mean === undefined ? tokens : this.#mean + (tokens - this.#mean) * MEAN_WEIGHT;
    return true;
  }

  /** It begins whether it fits or not, and has taken nothing: what it uses is told at its end. */
  beginAnyway(): void {
    this.#running += 1;
  }

  /** Something was asked and is not answered yet. */
  get isAsking(): boolean {
    return this.#asked !== undefined;
  }

  /** Of the lot that was spent of last. */
  get number(): number {
    return this.#spentOf;
  }

  /** What began under that lease did not take place after all. */
  undo(now: number, tokens: number, lease: number): void {
    this.#running -= 1;
    const lot = this.#lots.find(({ seq, until }) => seq === lease && now < until);
    if (lot !== undefined) {
      lot.requests += 1;
      lot.tokens += tokens;
    }
    if (this.#held > this.#running) this.#report(now + RELEASE_MS);
  }

  /** How long it is at least, where it does not fit now: as far as anybody knows. */
  waitMs(now: number): number {
    return Math.max(this.pausedMs(now), this.#asked === undefined ? this.#askAt - now : 0, 0);
  }

  /** Calls that may begin one after the other now, each with as many tokens as the mean. */
  room(now: number): number {
    if (!this.fits(now)) return 0;
    const { requests, tokens } = this.#left(now);
    return Math.floor(Math.min(requests, tokens / this.mean, this.#permits - this.#running));
  }

  /** `excess`: tokens that it used beyond what it had taken. */
  ended(now: number, how: Ended, excess = 0): void {
    this.#running -= 1;
    if (excess > 0) {
      this.#debt += excess;
      this.#report(now + REPEAT_MS);
    }
    // Of more than its permits are now what ends is for others at once.
    const isOver = this.#running >= this.#permits;
    if (this.#held > this.#running) this.#report(now + (isOver ? 0 : RELEASE_MS));
    const seen = this.#seen;
    if (how.kind === 'good') this.#seen = { ...seen, good: seen.good + 1, goodMs: seen.goodMs + how.ms };
    if (how.kind === 'account') {
      this.#seen = { ...seen, account: (seen.account ?? 0) + 1 };
      // Whatever the limiter will say: nothing more on that account.
      this.#lots = [];
      this.#report(now);
    }
    if (how.kind === 'failed' || how.kind === 'throttled') this.#troubled(now, how);
  }

  #troubled(now: number, { kind, waitMs }: Extract<Ended, { kind: 'failed' | 'throttled' }>): void {
    const seen = this.#seen;
    this.#seen = {
      ...seen,
      [kind]: seen[kind] + 1,
      ...(waitMs === undefined ? {} : { waitMs: Math.max(waitMs, seen.waitMs ?? 0) }),
    };
    this.#ownPauseUntil = Math.max(this.#ownPauseUntil, now + (waitMs ?? 0));
    this.#report(kind === 'throttled' || waitMs !== undefined ? now : now + REPORT_MS);
  }

  answered(now: number, grant: Grant): void {
    if (this.#asked?.ask.seq !== grant.seq) return;
    const { at, ask } = this.#asked;
    this.#asked = undefined;
    this.#heardAt = now;
    this.#settings = grant.settings;
    this.#revision = grant.revision;
    // From when it was first sent: it may have been granted then.
    const { seq, requests, tokens } = grant;
    if (requests > 0) this.#lots.push({ seq, requests, tokens, until: at + grant.ttlMs });
    this.#permits = grant.permits ?? Number.POSITIVE_INFINITY;
    this.#held = grant.permits === undefined ? 0 : Math.max(grant.permits, this.#running);
    this.#pausedUntil = now + grant.pausedMs;
    this.#isOpen = grant.open === true;
    const isEnough = grant.requests >= ask.want.requests && grant.tokens >= ask.want.tokens;
    this.#askAt = now + (grant.requests === 0 ? grant.waitMs : isEnough ? 0 : LEAST_GAP_MS);
    if (this.#held > this.#running) this.#report(now + RELEASE_MS);
  }

  pushed(now: number, { pausedMs, open, again }: Push): void {
    if (pausedMs !== undefined) {
      this.#pausedUntil = now + pausedMs;
      this.#isOpen = open === true;
    }
    if (again === true) this.#askAt = Math.min(this.#askAt, now);
  }

  /** What is to be sent now, if anything is. It is kept until it is answered. */
  ask(now: number, demand: Demand): Ask | undefined {
    const asked = this.#asked;
    if (asked !== undefined) {
      if (now < asked.sentAt + REPEAT_MS) return undefined;
      asked.sentAt = now;
      return asked.ask;
    }
    this.#first = demand.first ?? this.#first;
    const wants = this.#wants(now, demand) && now >= this.#askAt;
    if (!wants && now < this.#dueAt()) return undefined;
    const ask = this.#toAsk(now, demand, !wants);
    this.#asked = { ask, at: now, sentAt: now, pauseUntil: this.#ownPauseUntil };
    this.#ownPauseUntil = 0;
    return ask;
  }

  /** The last ask: its calls at once are free for others. */
  leave(now: number): Ask | undefined {
    if (this.#held === 0) return undefined;
    this.#report(now);
    return this.ask(now, { count: 0 });
  }

  /** When `ask` may give something, or what waits may fit; undefined: never by itself. */
  lookAt(now: number, demand: Demand): number | undefined {
    if (this.#asked !== undefined) return this.#asked.sentAt + REPEAT_MS;
    const times = [this.#dueAt()];
    if (demand.count > 0)
      times.push(
        this.#wants(now, demand)
          ? Math.max(now, this.#askAt)
          : now + (this.pausedMs(now) || (this.#lots[0]?.until ?? now) - now),
      );
    const next = Math.min(...times);
    return Number.isFinite(next) ? next : undefined;
  }

  /** Something waits that is not served, or soon will not be. A pause is waited for; nobody has to be asked meanwhile. */
  #wants(now: number, { count, first }: Demand): boolean {
    if (this.pausedMs(now) > 0) return false;
    if (count > 0 && !this.fits(now, first)) return true;
    const recent = this.#recent(now);
    const { requests, tokens } = this.#left(now);
    const least = recent * SPARE;
    return recent > 1 && this.#running < this.#permits && (requests < least || tokens < least * this.mean);
  }

  #left(now: number): Amount {
    this.#lots = this.#lots.filter(({ requests, tokens, until }) => {
      if (now < until) return requests > 0 || tokens > 0;
      this.#unspent = { requests: this.#unspent.requests + requests, tokens: this.#unspent.tokens + tokens };
      return false;
    });
    return {
      requests: this.#lots.reduce((sum, lot) => sum + lot.requests, 0),
      tokens: this.#lots.reduce((sum, lot) => sum + lot.tokens, 0),
    };
  }

  #spend(requests: number, tokens: number): void {
    let [calls, rest] = [requests, tokens];
    for (const lot of this.#lots) {
      const taken = Math.min(calls, lot.requests);
      if (taken > 0) this.#spentOf = lot.seq;
      lot.requests -= taken;
      calls -= taken;
      const part = Math.min(rest, lot.tokens);
      lot.tokens -= part;
      rest -= part;
    }
  }

  /** Calls that began lately. */
  #recent(now: number): number {
    this.#begun = this.#begun.filter((at) => now - at <= RECENT_MS);
    return this.#begun.length;
  }

  #dueAt(): number {
    const beatAt =
      this.#held > 0 ? this.#heardAt + this.#options.silenceMs / BEATS : Number.POSITIVE_INFINITY;
    return Math.min(this.#reportAt, beatAt);
  }

  #toAsk(now: number, { count, first }: Demand, isReport: boolean): Ask {
    const { process, from, settings, revision, begunAt = 0, silenceMs } = this.#options;
    const requests = isReport ? 0 : Math.max(count, 1, Math.ceil(this.#recent(now) * GROWTH));
    const { tokens: left } = this.#left(now);
    // The tokens of the first one, where what is left does not have them.
    const needed = first ?? this.mean;
    const least = Math.max(1, needed - left);
    const seen = this.#seen === NOTHING_SEEN ? {} : { seen: this.#seen };
    const ask: Ask = {
      type: 'ask',
      process,
      seq: ++this.#seq,
      from,
      settings,
      revision,
      begunAt,
      silenceMs,
      want: { requests, tokens: isReport ? 0 : Math.max(least, needed + (requests - 1) * this.mean - left) },
      least,
      back: this.#unspent,
      debt: this.#debt,
      running: this.#running,
      ...seen,
    };
    this.#unspent = NOTHING;
    this.#seen = NOTHING_SEEN;
    this.#debt = 0;
    this.#reportAt = Number.POSITIVE_INFINITY;
    return ask;
  }

  #report(at: number): void {
    this.#reportAt =
      this.#options.reportsAtOnce === true ? Number.NEGATIVE_INFINITY : Math.min(this.#reportAt, at);
  }
}
