// How a process asks the actors that keep what all processes share, and hears from them. One session in `replies` a process, held
// from the first ask on. An answer is data; who asks says how often it asks again, and what a missing answer means.
import { randomUUID } from 'node:crypto';
import { type ControlTarget, toControl } from '../actors/protocol/control.ts';
import type { ReplyAddress } from '../contract/effect.ts';
import { fromErrorJson, QuorateError } from '../contract/errors.ts';
import type { EventJson, Json } from '../contract/json.ts';
import type { Payloads } from '../contract/payload.ts';
import type { Bridge } from '../contract/ports.ts';
import type { AnswerBody } from '../contract/wire.ts';
import { createRequests } from './requests.ts';

export interface AskOptions {
  readonly timeoutMs: number;
  /** The same event is sent again as often: it must carry what its reducer knows it by. */
  readonly repeatMs: number;
  readonly signal?: AbortSignal;
}

export interface ControlMailbox {
  /** Throws RESULT_TIMEOUT. */
  ask(to: ControlTarget, make: (from: ReplyAddress) => EventJson, options: AskOptions): Promise<Json>;
  /** Sends without waiting for an answer. */
  tell(to: ControlTarget, event: EventJson): Promise<void>;
  /** What comes under this id, answers and pushes, until released. `address` is where it is to be sent. */
  listen(
    id: string,
    onValue: (value: Json) => void,
  ): { readonly address: ReplyAddress; readonly release: () => void };
  close(): Promise<void>;
}

/** `process`: its name, which is its session too. */
export function createControlMailbox(
  bridge: Pick<Bridge, 'publish' | 'pumpNamedSession'>,
  payloads: Payloads,
  process: string,
): ControlMailbox {
  const requests = createRequests(bridge, payloads, undefined, process);
  return {
    ask: async (to, make, options) => {
      const onTimeout = (): QuorateError =>
        new QuorateError('RESULT_TIMEOUT', `${to.kind} '${to.name}' did not answer in time`);
      const toMessage = (from: ReplyAddress) => toControl(to, make(from), randomUUID());
      return valueOf(await requests.ask(toMessage, { ...options, onTimeout }));
    },
    tell: async (to, event) => {
      await bridge.publish([toControl(to, event, randomUUID())]);
    },
    listen: (id, onValue) => {
      const listening = requests.listen(id, (body) => {
        if (body.answer === 'outcome' && body.outcome.status === 'done') onValue(body.outcome.output);
      });
      return { address: requests.askerOf(id), release: () => listening.release() };
    },
    close: () => requests.close(),
  };
}

function valueOf(body: AnswerBody): Json {
  if (body.answer === 'error') throw fromErrorJson(body.error);
  if (body.answer !== 'outcome') throw new Error(`unexpected answer: ${body.answer}`);
  if (body.outcome.status === 'error') throw fromErrorJson(body.outcome.error);
  return body.outcome.output;
}
