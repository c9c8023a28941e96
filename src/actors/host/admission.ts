// Whether this host starts new runs now. It goes by what it was last told, asks again while starts come, and refuses nothing that it does
// not know of: an answer that is old, or never came, lets everything in. Children and actors that are there are never asked for.
import type { ReplyAddress } from '../../contract/effect.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Logger } from '../../contract/ports.ts';
import { ADMISSION, readVerdict, type Verdict } from '../../control/admission/protocol.ts';
import type { ControlMailbox } from '../../mailbox/control-mailbox.ts';

/** A verdict that was asked for so long ago is asked for again; one that is older than the second counts as none. */
const [FRESH_MS, VALID_MS] = [500, 10_000];
/** While nothing answers, it is not asked more often. */
const PATIENCE_MS = 5_000;
/** In a test somebody answers, or its run has failed anyway. */
const ANSWER_MS = 60_000;
const OPEN: Verdict = { over: false };

export interface Admission {
  /** Why a new run is not started now. A promise only where each is asked for. */
  refusal(): ErrorJson | undefined | Promise<ErrorJson | undefined>;
}

interface AdmissionOptions {
  readonly maxWaitMs: number;
  readonly mailbox: Pick<ControlMailbox, 'listen' | 'tell'>;
  readonly logger: Logger;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
}

export function createAdmission({ maxWaitMs, mailbox, logger, now }: AdmissionOptions): Admission {
  let verdict: Verdict = OPEN;
  let heardAt = Number.NEGATIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  let listening: ReturnType<ControlMailbox['listen']> | undefined;

  const hear = (value: Json): void => {
    const said = readVerdict(value);
    if (said === undefined) return;
    if (said.over !== verdict.over) say(said);
    verdict = said;
    heardAt = now();
  };
  const say = (said: Verdict): void => {
    if (said.over) logger.warn(`new runs are refused: ${textOf(said, maxWaitMs)}`, { agent: said.agent });
    else logger.info('new runs are started again');
  };
  const ask = (): void => {
    listening ??= mailbox.listen('admission', hear);
    askedAt = now();
    const event = { type: 'ask', from: listening.address } as unknown as EventJson;
    mailbox.tell({ kind: 'admission', name: ADMISSION }, event).catch((error: unknown) => {
      logger.debug('admission was not asked', { reason: String(error) });
    });
  };

  return {
    refusal: () => {
      const at = now();
      const isAnswered = heardAt >= askedAt;
      if (at - askedAt >= (isAnswered ? FRESH_MS : PATIENCE_MS)) ask();
      return at - heardAt >= VALID_MS ? undefined : refusalBy(verdict, maxWaitMs);
    },
  };
}

/** Asks before each start, and waits for the answer: where time is virtual, so that every run of a test comes to the same. */
export function createAskingAdmission({
  maxWaitMs,
  mailbox,
}: {
  readonly maxWaitMs: number;
  readonly mailbox: Pick<ControlMailbox, 'ask'>;
}): Admission {
  const make = (from: ReplyAddress): EventJson => ({ type: 'ask', from: { ...from } });
  return {
    refusal: async () => {
      const options = { timeoutMs: ANSWER_MS, repeatMs: PATIENCE_MS };
      const said = readVerdict(await mailbox.ask({ kind: 'admission', name: ADMISSION }, make, options));
      return said === undefined ? undefined : refusalBy(said, maxWaitMs);
    },
  };
}

function refusalBy(verdict: Verdict, maxWaitMs: number): ErrorJson | undefined {
  if (!verdict.over) return undefined;
  const { agent, waitMs, retryAfterMs } = verdict;
  const message = `${textOf(verdict, maxWaitMs)}: try again in ${retryAfterMs} ms`;
  return { code: 'OVERLOADED', message, data: { retryAfterMs, agent, waitMs } };
}

function textOf({ agent, waitMs }: Extract<Verdict, { over: true }>, maxWaitMs: number): string {
  return `tasks of '${agent}' wait ${Math.round(waitMs)} ms and longer before they begin, and ${maxWaitMs} are allowed`;
}
