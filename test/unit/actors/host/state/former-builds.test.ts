// Two builds on one namespace: what a host of the build before control wrote is continued here, and is written so that such a host can
// take it back, until something of control is used; from then on it leaves the actor alone (I14). The states are that build's own
// (docs/decisions/0149).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { budgetGate } from '../../../../../src/actors/host/budget/budget.ts';
import { CONTROL_FORMAT, STATE_FORMAT } from '../../../../../src/actors/host/state/session-state.ts';
import { inLife } from '../../../../../src/actors/protocol/ids.ts';
import { type Told, toUsage } from '../../../../../src/actors/protocol/usage.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import { NO_AMOUNT } from '../../../../../src/contract/usage.ts';
import type { InboundMessage } from '../../../../../src/contract/wire.ts';
import { family, fan, steps } from '../../../../fixtures/apps/rolled.machine.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import { FakeQueue } from '../../../../kit/fake-queue.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { event, query, reply, start, stateOf } from '../../../../kit/notes.ts';

const FILE = new URL('../../../../fixtures/states/before-control.json', import.meta.url);
const STATES = JSON.parse(readFileSync(FILE, 'utf8')) as Readonly<Record<string, Json>>;
/** The fields that such a host knows. */
const KNOWN =
  'format type version core outbox inbox deferred scheduled attempts quarantine movedAt watchers dropped claim outline family lineage traceparent input'.split(
    ' ',
  );
const MACHINES: Readonly<Record<string, AnyStateMachine>> = { steps, fan, family } as never;
/** Before the deadlines in these states. */
const NOW = 1_796_099_830_000;

class Written {
  readonly queue = new FakeQueue();
  readonly type: string;

  constructor(name: string) {
    this.type = name.split('/')[0] ?? '';
    this.queue.keep(STATES[name] as Json);
  }

  async take(...messages: readonly InboundMessage[]): Promise<void> {
    // Behind those that the state has applied and not seen settled.
    this.queue.put(...messages.map((one) => ({ ...one, sequenceNumber: 1_000 + one.sequenceNumber })));
    const host = fakeHost(MACHINES[this.type] as AnyStateMachine, {
      machine: { type: this.type, module: 'none', export: 'none', version: '1', path: [] },
      clock: { now: () => NOW },
      registry: {
        agents: { work: { deadlineMs: 60_000 } },
        machines: { steps: true, fan: true, family: true },
      },
      gates: [budgetGate],
    });
    await this.queue.hold(host, { address: { type: this.type, id: 'x' } } as never);
    expect(host.problems).toEqual([]);
  }

  get written(): Record<string, Json> {
    return this.queue.state as Record<string, Json>;
  }

  get value(): unknown {
    return (stateOf(this.queue).core?.snapshot as { value?: unknown } | undefined)?.value;
  }
}

describe('a state of the build before control', () => {
  it.each(Object.keys(STATES))('%s is read and shown', async (name) => {
    const one = new Written(name);
    await one.take(query());
    // Behind what the other host may not have sent any more.
    const answers = one.queue.sent.filter(({ subject }) => subject === 'answer').map(({ body }) => body);
    expect(answers).toContainEqual(expect.objectContaining({ answer: 'snapshot' }));
    expect(one.written).toMatchObject({ format: STATE_FORMAT, core: (STATES[name] as { core: Json }).core });
  });

  it('is continued, and written so that such a host can take it back', async () => {
    const one = new Written('steps/s');
    await one.take(reply('1.0', 1));
    expect(one.value).toBe('between');
    await one.take(event('go'));
    expect(one.value).toBe('two');
    expect(one.queue.sent.filter(({ subject }) => subject === 'task')).toHaveLength(1);
    expect(one.written['format']).toBe(STATE_FORMAT);
    expect(KNOWN).toEqual(expect.arrayContaining(Object.keys(one.written)));
  });

  it('of a fan-out in the middle is gathered to its end', async () => {
    const one = new Written('fan/f');
    const answers = [0, 1, 2, 3, 4, 5].map((branch) =>
      inbound('reply', { kind: 'reply', execution: '1.0', branch, outcome: { status: 'done', output: 1 } }),
    );
    await one.take(...answers);
    expect(one.value).toBe('done');
    expect(one.written['format']).toBe(STATE_FORMAT);
  });

  it('of a parent hears its child', async () => {
    const one = new Written('family/c');
    await one.take(reply('1.0'));
    expect(one.value).toBe('done');
  });

  it('of an actor that has ended lets nobody start it again', async () => {
    const one = new Written('steps/e');
    await one.take(start({}, { asker: { entity: 'replies', sessionId: 'c', correlationId: 'c' } }));
    expect(one.queue.sent.at(-1)?.body).toMatchObject({ answer: 'exists' });
  });

  it('is left alone by such a host once something was booked', async () => {
    const one = new Written('steps/s');
    const { incarnation = '' } = stateOf(one.queue).core ?? {};
    const rows = [{ agent: 'work', model: '', ...NO_AMOUNT, calls: 1 }];
    const told: Told = { execution: inLife('1.0', incarnation), of: 'answer', rows, until: 0 };
    const { subject, body } = toUsage({ entity: 'e', sessionId: 's', messageId: 'u' }, told);
    await one.take(inbound(subject, body), reply('1.0', 1));
    expect(one.written['format']).toBe(CONTROL_FORMAT);
    expect(one.value).toBe('between');
  });
});
