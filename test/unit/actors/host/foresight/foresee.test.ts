// What a redrive would come to is what it comes to, and asking changes nothing.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newHostCounters } from '../../../../../src/actors/host/host.ts';
import { redriven } from '../../../../../src/actors/protocol/redrive.ts';
import type { Foresight } from '../../../../../src/contract/foresight.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import type { TurnRequest } from '../../../../../src/contract/turn.ts';
import { type InboundMessage, PROPERTY } from '../../../../../src/contract/wire.ts';
import type { WorkerResponse } from '../../../../../src/contract/worker.ts';
import { type FakeHost, type FakeHostOptions, fakeHost } from '../../../../kit/fake-host.ts';
import { FakeQueue } from '../../../../kit/fake-queue.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { memoryPayloads } from '../../../../kit/memory-storage.ts';
import { noteMachine } from '../../../../kit/note-machine.ts';
import { asker, event, note, reply, start, stateOf } from '../../../../kit/notes.ts';

const NOW = 1_000_000;
const DEAD = { [PROPERTY.deadFrom]: 'actor.m', [PROPERTY.deadSession]: '1' };

/** As the remediation queue has it. */
function asLetter(message: InboundMessage, properties: InboundMessage['properties'] = DEAD): InboundMessage {
  return { ...message, properties: { ...message.properties, ...properties } };
}

function hostWith(letters: readonly InboundMessage[], options: FakeHostOptions = {}): FakeHost {
  const browse = async ({ from }: { readonly from: number }) =>
    letters.filter(({ sequenceNumber }) => sequenceNumber >= from).slice(0, 1);
  return fakeHost(noteMachine, { letters: { browse }, ...options });
}

const foreseeing = (letters: readonly InboundMessage[], more: Partial<InboundMessage> = {}): InboundMessage =>
  inbound(
    'query',
    { kind: 'query', asker },
    {
      enqueuedAt: NOW,
      properties: {
        [PROPERTY.patience]: 30_000,
        [PROPERTY.foresee]: letters.map(({ sequenceNumber }) => sequenceNumber).join(','),
      },
      ...more,
    },
  );

/** It is told when it is computed, which no hold waits for. */
async function untilSent(queue: FakeQueue, count: number): Promise<void> {
  for (let left = 10_000; left > 0 && queue.sent.length < count; left--)
    await new Promise((resolve) => setImmediate(resolve));
  expect(queue.sent.length).toBe(count);
}

/** Asks, and looks whether anything else has happened. */
async function foresee(
  queue: FakeQueue,
  letters: readonly InboundMessage[],
  options: FakeHostOptions = {},
  more: Partial<InboundMessage> = {},
): Promise<readonly Foresight[]> {
  const host = hostWith(letters, options);
  const state = JSON.stringify(queue.state);
  const sent = queue.sent.length;
  const query = foreseeing(letters, more);
  queue.put(query);
  queue.steps.length = 0;
  await queue.hold(host);
  await untilSent(queue, sent + 1);
  expect(JSON.stringify(queue.state)).toBe(state);
  expect(queue.log().toSorted()).toEqual([`complete ${query.sequenceNumber}`, 'publish']);
  expect(host.counters).toEqual(newHostCounters());
  expect(host.requests.filter(({ kind }) => kind === 'turn')).toEqual([]);
  const body = queue.sent.at(-1)?.body as unknown as { answer: string; letters: readonly Foresight[] };
  expect(body.answer).toBe('foresight');
  return body.letters;
}

async function started(...messages: readonly InboundMessage[]): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine));
  queue.put(...messages);
  await queue.hold(fakeHost(noteMachine));
  return queue;
}

/** What their redrive really comes to. */
async function redrive(queue: FakeQueue, letters: readonly InboundMessage[]): Promise<InboundMessage[]> {
  const sent = letters.map((letter) => {
    const { subject, body, messageId, properties = {} } = redriven(letter, NOW);
    return inbound(subject, body, { messageId, properties });
  });
  queue.put(...sent);
  await queue.hold(hostWith([]));
  return sent;
}

const anyLetter = fc.oneof(
  fc.integer({ min: 0, max: 9 }).map((n) => note(n)),
  fc.constantFrom('throw', 'ring', 'finish', 'ask', 'nothing', 'xstate.stop').map((type) => event(type)),
  fc.constantFrom('peer', 'm', 'nobody').map((to) => event('tell', { to, id: 'x' })),
  fc.constantFrom(300_000, 100).map((bytes) => event('tell', { to: 'peer', id: 'x', bytes })),
  fc.constant(reply('0')),
  fc.constant(inbound('event', { kind: 'event', event: { type: '' } })),
  fc.constant(inbound('event', { kind: 'event', event: { type: 'note' }, further: true })),
);

describe('the foresight of a redrive', () => {
  it('is what the redrive comes to, letter by letter, as far as it can be known', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLetter, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (messages, isThere) => {
          // Drawn once, used in several runs: each has its own place.
          const letters = messages.map((message) => asLetter(inbound(message.subject, message.body as Json)));
          const queue = isThere ? await started() : new FakeQueue();
          const foreseen = await foresee(queue, letters);
          const known = foreseen.findIndex(({ would }) => would === 'unknown');
          const count = known === -1 ? letters.length : known;
          const sent = await redrive(queue, letters.slice(0, count));
          for (const [at, foresight] of foreseen.slice(0, count).entries()) {
            const disposition = queue.settled.get(sent[at]?.sequenceNumber ?? 0);
            const error =
              disposition?.kind === 'deadLetter'
                ? { code: disposition.reason, message: disposition.description }
                : undefined;
            expect('error' in foresight ? foresight.error : undefined).toEqual(error);
          }
          const last = foreseen.findLast(({ would }) => would === 'apply');
          if (last?.would !== 'apply') return;
          const core = stateOf(queue).core;
          const { value } = (core?.snapshot ?? {}) as { value?: Json };
          expect({ status: core?.status, turn: core?.turn, value }).toEqual({
            status: last.status,
            turn: last.turn,
            value: last.value,
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('says what would leave: of each kind and for each target how many', async () => {
    const letters = [note(1), event('tell', { to: 'peer', id: 'x' }), event('ask')].map((one) =>
      asLetter(one),
    );
    const [noted, told, asked] = await foresee(await started(), letters);
    expect(noted).toMatchObject({ would: 'apply', effects: [{ kind: 'emit', to: 'noted', count: 1 }] });
    expect(told).toMatchObject({ effects: [{ kind: 'event', to: 'peer/x', count: 1, bytes: 24 }] });
    expect(asked).toMatchObject({
      value: 'asking',
      effects: expect.arrayContaining([expect.objectContaining({ kind: 'task', to: 'a' })]),
    });
  });

  it('ends at the first letter that depends on an answer of an agent, and names the letter that asks', async () => {
    const letters = [note(1), event('ask'), note(2), note(3)].map((one) => asLetter(one));
    const foreseen = await foresee(await started(), letters);
    expect(foreseen.map(({ would }) => would)).toEqual(['apply', 'apply', 'unknown', 'unknown']);
    for (const unknown of foreseen.slice(2))
      expect(unknown).toMatchObject({
        after: letters[1]?.sequenceNumber,
        why: expect.stringContaining('agent a'),
      });
  });

  it('says of an actor that is gone, ended or standing still what becomes of an event', async () => {
    const letters = [asLetter(note(1))];
    expect(await foresee(new FakeQueue(), letters)).toMatchObject([
      { would: 'fail', error: { code: 'ACTOR_NOT_FOUND' } },
    ]);
    expect(await foresee(await started(event('finish')), letters)).toMatchObject([
      { would: 'fail', error: { code: 'ACTOR_ENDED' } },
    ]);
    const lost = new FakeQueue();
    lost.put(start());
    const incompatible = (): WorkerResponse => ({
      kind: 'turn',
      result: {
        state: null,
        effects: [],
        verdicts: [{ kind: 'rejected', error: { code: 'STATE_INCOMPATIBLE', message: 'no' } }],
        gathers: [],
        steps: [],
        threadId: 1,
      },
    });
    await lost.hold(fakeHost(noteMachine, { instead: incompatible }));
    expect(await foresee(lost, letters)).toMatchObject([
      { would: 'wait', why: expect.stringContaining('STATE_INCOMPATIBLE') },
    ]);
  });

  it('of a turn that ends its thread is an error, for this letter alone (I7)', async () => {
    const letters = [note(1), event('ring'), note(2)].map((one) => asLetter(one));
    const died = ({ inputs: [input] }: TurnRequest): WorkerResponse | undefined =>
      input?.kind === 'event' && input.event.type === 'ring'
        ? { kind: 'failed', error: { code: 'WORKER_DIED', message: 'out of memory' } }
        : undefined;
    const foreseen = await foresee(await started(), letters, { instead: died });
    expect(foreseen).toMatchObject([
      { would: 'apply', turn: 2 },
      { would: 'fail', error: { code: 'TURN_POISONED', message: expect.stringContaining('out of memory') } },
      { would: 'apply', turn: 3 },
    ]);
  });

  it('is not computed again where a host died of it', async () => {
    const letters = [asLetter(note(1))];
    const told = await foresee(await started(), letters, {}, { deliveryCount: 1 });
    expect(told).toMatchObject([{ would: 'unknown', why: expect.stringContaining('was gone') }]);
  });

  it('stores nothing, also of what would be stored', async () => {
    const letters = [event('tell', { to: 'peer', id: 'x', bytes: 300_000 })].map((one) => asLetter(one));
    const payloads = { ...memoryPayloads(), put: () => Promise.reject(new Error('something was stored')) };
    expect(await foresee(await started(), letters, { payloads })).toMatchObject([
      { would: 'apply', effects: [{ kind: 'event', to: 'peer/x', bytes: 300_024 }] },
    ]);
  });

  it('is of a letter that is there: others are named', async () => {
    const [gone, there] = [asLetter(note(1)), asLetter(note(2))];
    const queue = await started();
    const host = hostWith([there]);
    const count = queue.sent.length;
    queue.put(foreseeing([gone, there]));
    await queue.hold(host);
    await untilSent(queue, count + 1);

    expect(queue.sent.at(-1)?.body).toMatchObject({
      letters: [{ would: 'unknown', why: expect.stringContaining('not there') }, { would: 'apply' }],
    });
  });
});

describe('the foresight of a task', () => {
  const agentTask = (body: Record<string, Json>, more: Partial<InboundMessage> = {}): InboundMessage =>
    asLetter(
      inbound(
        'task',
        { kind: 'task', agent: 'a', input: 'q', branch: null, attempt: 3, deadlineAt: 1, ...body },
        more,
      ),
      { [PROPERTY.deadFrom]: 'agent.a', [PROPERTY.deadSession]: '' },
    );

  async function asking(): Promise<{ readonly queue: FakeQueue; readonly body: Record<string, Json> }> {
    const queue = await started(event('ask'));
    const task = queue.sent.find(({ subject }) => subject === 'task');
    return { queue, body: task?.body as Record<string, Json> };
  }
  const replyTo = { replyTo: 'actor.m', replyToSessionId: '1' };
  const fundsOf = () => ({ microUsd: 1_500, tokens: 200 });

  it('says that it is awaited and what an attempt may cost; what comes behind it depends on its answer', async () => {
    const { queue, body } = await asking();
    const letters = [
      agentTask({ ...body, attempt: 3 }, replyTo),
      agentTask(body, replyTo),
      asLetter(note(1)),
    ];
    const run = { would: 'run', agent: 'a', awaited: true, mayCost: { tokens: 200, usd: 0.0015 } };
    expect(await foresee(queue, letters, { fundsOf })).toMatchObject([run, run, { would: 'unknown' }]);
  });

  it('says why nobody waits for it, and that it is done all the same', async () => {
    const { queue, body } = await asking();
    const { key, execution } = body as { key: string; execution: string };
    queue.put(reply(execution));
    await queue.hold(fakeHost(noteMachine));
    const letters = [agentTask({ ...body, key, execution }, replyTo), asLetter(note(1))];
    expect(await foresee(queue, letters)).toMatchObject([
      { would: 'run', awaited: false, why: expect.stringContaining('has left the state') },
      { would: 'apply' },
    ]);
    expect(await foresee(new FakeQueue(), letters.slice(0, 1))).toMatchObject([
      { awaited: false, why: expect.stringContaining('is gone') },
    ]);
  });

  it('says that it was done, that its agent is not there, and what cannot be read of it', async () => {
    const { queue, body } = await asking();
    const results = {
      get: async () => ({ status: 'done', output: 1 }),
      put: async () => {},
      list: async () => [],
    };
    const letter = agentTask(body, replyTo);
    expect(await foresee(queue, [letter], { results })).toMatchObject([{ would: 'answer', awaited: true }]);
    expect(await foresee(queue, [agentTask({ ...body, agent: 'b' }, replyTo)])).toMatchObject([
      { would: 'fail', error: { code: 'AGENT_NOT_FOUND' } },
    ]);
    const claimed = agentTask({ ...body, input: { $payload: 'test/gone', bytes: 9 } }, replyTo);
    const gone = { ...claimed, properties: { ...claimed.properties, [PROPERTY.claimed]: 'input' } };
    expect(await foresee(queue, [gone])).toMatchObject([
      { would: 'fail', error: { code: 'PAYLOAD_NOT_FOUND' } },
    ]);
    expect(await foresee(queue, [agentTask({ ...body, attempt: 0.5, further: 1 }, replyTo)])).toMatchObject([
      { would: 'fail', error: { code: 'INPUT_INVALID' } },
    ]);
  });
});
