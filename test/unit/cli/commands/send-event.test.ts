import { describe, expect, it } from 'vitest';
import { sendEvent } from '../../../../src/cli/commands/send-event.ts';
import type { QuorateClient } from '../../../../src/contract/client.ts';
import { QuorateError } from '../../../../src/contract/errors.ts';

const ACTOR = { type: 'm', id: '1' };
const EVENT = { type: 'x' };

/** A client to which the query's answer or failure is given. */
function clientThat(answer: object | Error) {
  const sent: unknown[][] = [];
  const client = {
    query: async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    },
    send: async (...args: unknown[]) => void sent.push(args),
  } as unknown as Pick<QuorateClient, 'query' | 'send'>;
  return { client, sent };
}

const absent = new QuorateError('ACTOR_NOT_FOUND', 'no actor');
const silent = new QuorateError('RESULT_TIMEOUT', 'late');
const quarantined = { status: 'active', quarantine: { code: 'E', message: 'broken', since: 0, held: 0 } };

describe('quorate actors send', () => {
  it('sends to an actor that lives, and to one that waits for a host or a release, and says which', async () => {
    const told = async (answer: object | Error) => {
      const { client, sent } = clientThat(answer);
      const outcome = await sendEvent(client, ACTOR, EVENT);
      expect(sent).toEqual([['m', '1', EVENT, {}]]);
      return outcome;
    };
    expect(await told({ status: 'active' })).toEqual({ outcome: 'sent' });
    expect(await told(silent)).toEqual({ outcome: 'waits', why: 'no host of m has answered' });
    expect(await told(quarantined)).toEqual({ outcome: 'waits', why: 'm/1 is quarantined: E: broken' });
  });

  it('sends nothing to an actor that is not there, or not any more', async () => {
    for (const [answer, code] of [
      [absent, 'ACTOR_NOT_FOUND'],
      [{ status: 'done' }, 'ACTOR_ENDED'],
      [new QuorateError('UNAUTHORIZED', 'no'), 'UNAUTHORIZED'],
    ] as const) {
      const { client, sent } = clientThat(answer);
      await expect(sendEvent(client, ACTOR, EVENT)).rejects.toMatchObject({ code });
      expect(sent).toEqual([]);
    }
  });

  it('with a start sends to one that is not there', async () => {
    const { client, sent } = clientThat(absent);
    const start = { input: { from: 1 } };
    expect(await sendEvent(client, ACTOR, EVENT, start)).toEqual({ outcome: 'sent' });
    expect(sent).toEqual([['m', '1', EVENT, { start }]]);
  });
});
