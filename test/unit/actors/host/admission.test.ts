// Who is refused: a client's new run, and nobody else. And by what: an answer that is not old; without one everything is let in.
import { describe, expect, it } from 'vitest';
import {
  type Admission,
  createAdmission,
  createAskingAdmission,
} from '../../../../src/actors/host/admission.ts';
import type { Json } from '../../../../src/contract/json.ts';
import type { ErrorJson } from '../../../../src/contract/outcome.ts';
import { SILENT } from '../../../../src/contract/ports.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { asker, event, start as startMessage } from '../../../kit/notes.ts';

const start = () => startMessage({}, { asker });
const error = { code: 'OVERLOADED', message: 'later', data: { retryAfterMs: 1_000 } };
const refusing = { admission: { refusal: () => error } };
const parent = {
  address: { type: 'peer', id: 'p' },
  reply: { entity: 'actor.peer', sessionId: 'p', correlationId: '7.0~life' },
  syncSnapshot: false,
};
const answersOf = (queue: FakeQueue) =>
  queue.sent.filter(({ subject }) => subject === 'answer').map(({ body }) => body as Record<string, Json>);

describe('a host that is to let nothing new in', () => {
  it('answers a start with the refusal, makes no state, and leaves nothing behind', async () => {
    const queue = new FakeQueue();
    queue.put(start());
    await queue.hold(fakeHost(noteMachine, refusing));
    expect(answersOf(queue)).toMatchObject([{ answer: 'error', error }]);
    expect([queue.state, queue.active.size]).toEqual([null, 0]);
    expect([...queue.settled.values()]).toEqual([{ kind: 'complete' }]);
  });

  it.each([
    ['a child', () => startMessage({}, { parent })],
    [
      'what an event starts, for nobody would be told',
      () => inbound('event', { kind: 'event', event: { type: 'note', n: 1 }, start: { input: null } }),
    ],
  ])('lets in %s', async (_name, make) => {
    const queue = new FakeQueue();
    queue.put(make());
    await queue.hold(fakeHost(noteMachine, refusing));
    expect(queue.state).toMatchObject({ core: { status: 'active' } });
  });

  it('knows who is there, also from a message of the same batch', async () => {
    const queue = new FakeQueue();
    let asked = 0;
    const admission: Admission = { refusal: () => (asked++ === 0 ? undefined : error) };
    queue.put(start(), start(), event('other'));
    await queue.hold(fakeHost(noteMachine, { admission }));
    queue.put(start());
    await queue.hold(fakeHost(noteMachine, { admission }));
    expect(answersOf(queue).map(({ answer }) => answer)).toEqual(['started', 'exists', 'exists']);
    expect(asked).toBe(1);
  });
});

describe('what a host knows of admission', () => {
  const over = { over: true, agent: 'a', waitMs: 9, retryAfterMs: 1_000 };

  function setUp() {
    let now = 0;
    let hear: (value: Json) => void = () => {};
    let asked = 0;
    const admission = createAdmission({
      maxWaitMs: 5,
      logger: SILENT,
      now: () => now,
      mailbox: {
        listen: (_id, onValue) => {
          hear = onValue;
          return { address: { entity: 'replies', sessionId: 'p', correlationId: 'c' }, release: () => {} };
        },
        tell: async () => {
          asked += 1;
        },
      },
    });
    const at = (ms: number): string | undefined => {
      now = ms;
      return (admission.refusal() as ErrorJson | undefined)?.code;
    };
    return { at, hear: (value: Json) => hear(value), asked: () => asked };
  }

  it('is asked for by its first start, which is let in, and refused by what was heard since', () => {
    const { at, hear, asked } = setUp();
    expect(at(0)).toBeUndefined();
    hear(over);
    expect([at(10), at(499), asked()]).toEqual(['OVERLOADED', 'OVERLOADED', 1]);
    expect([at(500), asked()]).toEqual(['OVERLOADED', 2]);
    hear({ over: false });
    expect(at(510)).toBeUndefined();
  });

  it('is nothing once it is old: who does not answer lets everything in, and is not asked all the time', () => {
    const { at, hear, asked } = setUp();
    at(0);
    hear(over);
    expect(at(600)).toBe('OVERLOADED');
    expect([at(5_000), at(9_999), at(10_000), at(11_000)]).toEqual([
      'OVERLOADED',
      'OVERLOADED',
      undefined,
      undefined,
    ]);
    expect(asked()).toBe(3);
    hear('nonsense');
    expect(at(11_001)).toBeUndefined();
  });
});

it('in virtual time each start waits for an answer of now', async () => {
  const said: Json[] = [
    { over: false },
    { over: true, agent: 'a', waitMs: 9, retryAfterMs: 1_000 },
    'nonsense',
  ];
  const admission = createAskingAdmission({
    maxWaitMs: 5,
    mailbox: { ask: async () => said.shift() ?? null },
  });
  const queue = new FakeQueue();
  for (const _start of [1, 2, 3]) {
    queue.put(start());
    await queue.hold(fakeHost(noteMachine, { admission }));
    if (said.length === 2) queue.state = null;
  }
  expect(answersOf(queue)).toMatchObject([
    { answer: 'started' },
    { answer: 'error', error: { code: 'OVERLOADED', data: { retryAfterMs: 1_000, agent: 'a', waitMs: 9 } } },
    { answer: 'started' },
  ]);
});
