import { describe, expect, it } from 'vitest';
import { createActionHandler } from '../../../../../src/actors/host/actions/action-queue.ts';
import { lifeFolder } from '../../../../../src/actors/protocol/claims.ts';
import { signRef } from '../../../../../src/actors/protocol/seals.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import type { ActionBody, InboundMessage, WireMessage } from '../../../../../src/contract/wire.ts';
import type { WorkerRequest, WorkerResponse } from '../../../../../src/contract/worker.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryPayloads } from '../../../../kit/memory-storage.ts';

const DONE: WorkerResponse = { kind: 'outcome', outcome: { status: 'done', output: null }, threadId: 1 };
const DIED: WorkerResponse = { kind: 'failed', error: { code: 'WORKER_DIED', message: 'exit' } };

function setUp(response: WorkerResponse = DONE) {
  const published: WireMessage[] = [];
  const requests: WorkerRequest[] = [];
  const said: string[] = [];
  const payloads = memoryPayloads();
  const handler = createActionHandler({
    entity: 'action.m',
    machine: (version) => ({ type: 'm', module: 'm', export: 'e', version, path: [] }),
    pool: {
      run: async (request) => {
        requests.push(request);
        return response;
      },
      waiting: 0,
      waitingTurns: 0,
      replace: async () => {},
      close: async () => {},
    },
    bridge: {
      publish: async (messages) => {
        published.push(...messages);
        return messages.map(() => ({}));
      },
    },
    payloads,
    clock: { now: () => 5_000 },
    logger: { debug() {}, info() {}, warn() {}, error: (text) => void said.push(text) },
    turnTimeoutMs: 1_000,
    shutdown: new AbortController().signal,
  });
  const handle = (body: Partial<ActionBody> = {}, more: Partial<InboundMessage> = {}) =>
    handler(
      inbound(
        'action',
        { ...action, ...body },
        {
          replyTo: 'actor.m',
          replyToSessionId: '1',
          ...more,
        },
      ),
      new AbortController().signal,
    );
  return { handle, published, requests, said, payloads };
}

const action: ActionBody = {
  kind: 'action',
  key: 'k',
  name: 'notify',
  params: { to: 'ops' },
  event: { type: 'go' },
  context: { n: 1 },
  version: '2',
  turn: 3,
  attempt: 1,
};

describe('the queue of actions', () => {
  it('runs an action with what was committed, on the version of its actor', async () => {
    const { handle, requests } = setUp();
    expect(await handle()).toEqual({ kind: 'complete' });
    expect(requests).toMatchObject([
      { kind: 'action', machine: { version: '2' }, name: 'notify', params: { to: 'ops' }, context: { n: 1 } },
    ]);
  });

  it('says a failure, which ends the action', async () => {
    const error = { code: 'MAIL', message: 'no such address' };
    const { handle, said, published } = setUp({
      kind: 'outcome',
      outcome: { status: 'error', error },
      threadId: 1,
    });
    expect(await handle()).toEqual({ kind: 'complete' });
    expect(said).toEqual(['action notify failed: no such address']);
    expect(published).toEqual([]);
  });

  it('tries what takes its thread down again later, as the next attempt, and sets it aside after the third', async () => {
    const { handle, published } = setUp(DIED);
    expect(await handle()).toEqual({ kind: 'complete' });
    expect(published).toMatchObject([
      {
        entity: 'action.m',
        subject: 'action',
        notBefore: 6_000,
        replyToSessionId: '1',
        body: { attempt: 2 },
      },
    ]);
    expect(await handle({ attempt: 3 })).toEqual({
      kind: 'deadLetter',
      reason: 'ACTION_POISONED',
      description: 'action notify: WORKER_DIED on each of 3 attempts: exit',
    });
    expect(published).toHaveLength(1);
  });

  it('sets aside what was in hand ten times when its host died, without running it', async () => {
    const { handle, requests } = setUp();
    expect(await handle({}, { deliveryCount: 10 })).toMatchObject({
      kind: 'deadLetter',
      reason: 'ACTION_POISONED',
    });
    expect(requests).toEqual([]);
  });

  it('leaves to its lock what a shutdown withdraws', async () => {
    const { handle } = setUp({ kind: 'failed', error: { code: 'ABORTED', message: 'withdrawn' } });
    await expect(handle()).rejects.toThrow('not run here to its end');
  });

  it('reads a context from the payload store, and removes it when the action is over', async () => {
    const { handle, requests, payloads } = setUp();
    const own = lifeFolder(payloads.scope, { type: 'm', id: '1' }, 'i');
    const ref = signRef(await payloads.seal(), 'claim', await payloads.put(own, 'c', { large: true }));
    await handle({ context: { ...ref } as Json }, { properties: { 'quorate-claimed': 'context' } });
    expect(requests).toMatchObject([{ context: { large: true } }]);
    await expect(payloads.get(ref)).rejects.toMatchObject({ code: 'PAYLOAD_NOT_FOUND' });
    const again = handle({ context: { ...ref } as Json }, { properties: { 'quorate-claimed': 'context' } });
    expect(await again).toMatchObject({ kind: 'deadLetter', reason: 'PAYLOAD_NOT_FOUND' });
  });

  it('reads nothing that belongs to another actor, whatever the message names', async () => {
    const { handle, requests, payloads } = setUp();
    const foreign = lifeFolder(payloads.scope, { type: 'm', id: '2' }, 'i');
    const ref = await payloads.put(foreign, 'c', { secret: true });
    const forged = handle({ context: { ...ref } as Json }, { properties: { 'quorate-claimed': 'context' } });
    expect(await forged).toMatchObject({ kind: 'deadLetter', reason: 'PAYLOAD_NOT_FOUND' });
    expect(requests).toEqual([]);
    expect(await payloads.get(ref)).toEqual({ secret: true });
  });

  it('sets aside what is no action', async () => {
    const { handle } = setUp();
    expect(await handle({ attempt: 0 })).toMatchObject({ kind: 'deadLetter', reason: 'INPUT_INVALID' });
  });
});
