// Copies of a broadcast: each subscription that is named gets one branch of each item, under a key and ids of its own, and nothing of
// one meets what is of another.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ofSubscription, toBroadcast } from '../../../../src/actors/protocol/broadcast.ts';
import { removeClaims } from '../../../../src/actors/protocol/claims.ts';
import { taskKey } from '../../../../src/actors/protocol/ids.ts';
import { parseTaskBody } from '../../../../src/actors/protocol/messages.ts';
import type { InboundMessage, TaskBody, WireMessage } from '../../../../src/contract/wire.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';

const actor = { type: 'm', id: '1' };

function published(names: readonly string[], item: number): WireMessage {
  const first: WireMessage = {
    entity: 'agent.first',
    subject: 'task',
    messageId: 'first',
    replyTo: 'actor.m',
    replyToSessionId: '1',
    properties: {
      [PROPERTY.agent]: 'first',
      [PROPERTY.branch]: item * names.length,
      [PROPERTY.attempt]: 1,
      [PROPERTY.deadline]: 9,
    },
    body: {},
  };
  const key = taskKey(actor, 'life', '1.0', item * names.length);
  return toBroadcast('reviews', first, {
    names,
    item,
    input: { item },
    key,
    execution: '1.0~life',
    deadlineAt: 9,
  });
}

const received = ({ messageId, body, properties = {}, ...more }: WireMessage): InboundMessage =>
  inbound('broadcast', body, { messageId, properties, ...more });

const copyIn = (message: WireMessage, name: string): InboundMessage | undefined =>
  ofSubscription(received(message), { name, agent: `agent-of-${name}` });

describe('a broadcast', () => {
  it('is one message an item, and says nothing of one branch', () => {
    const message = published(['eu', 'us'], 3);
    expect(message).toMatchObject({ entity: 'topic.reviews', subject: 'broadcast', replyTo: 'actor.m' });
    expect(Object.keys(message.properties ?? {})).toEqual([PROPERTY.deadline, PROPERTY.copy]);
    expect(published(['eu', 'us'], 3).messageId).toBe(message.messageId);
    expect(published(['eu', 'us'], 4).messageId).not.toBe(message.messageId);
  });

  it('becomes each branch once, with keys and ids of its own', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 20 }), (each, items) => {
        const tasks = Array.from({ length: items }, (_, item) =>
          each.map((name) => copyIn(published(each, item), name)),
        ).flat();
        const bodies = tasks.map((task) => {
          const parsed = parseTaskBody(task as InboundMessage);
          expect(parsed.ok).toBe(true);
          return task?.body as TaskBody;
        });
        expect(bodies.map(({ branch }) => branch)).toEqual(
          Array.from({ length: items * each.length }, (_, at) => at),
        );
        expect(bodies.map(({ agent }) => agent)).toEqual(
          Array.from({ length: items }, () => each.map((name) => `agent-of-${name}`)).flat(),
        );
        expect(new Set(bodies.map(({ key }) => key)).size).toBe(bodies.length);
        expect(new Set(tasks.map((task) => task?.messageId)).size).toBe(bodies.length);
      }),
      { numRuns: 30 },
    );
  });

  it('is nobody\u2019s branch in a subscription that it does not name', () => {
    expect(copyIn(published(['eu', 'us'], 0), 'log')).toBeUndefined();
    expect(copyIn(published(['eu'], 0), 'toString')).toBeUndefined();
  });

  it('that cannot be read stays as it is, for the task handler to set aside', () => {
    const odd = inbound('broadcast', { kind: 'broadcast', names: [] });
    expect(ofSubscription(odd, { name: 'eu', agent: 'a' })).toBe(odd);
    expect(parseTaskBody(odd).ok).toBe(false);
  });

  it('removes nothing that other copies need', async () => {
    const removed: unknown[] = [];
    const claimed = {
      properties: { [PROPERTY.claimed]: 'input', [PROPERTY.copy]: true },
      body: { input: { $payload: 'p', bytes: 1, sig: 's' } },
    };
    const payloads = {
      remove: async (ref: unknown) => void removed.push(ref),
      seal: () => Promise.reject(new Error('not asked')),
    };
    await removeClaims(claimed, payloads);
    expect(removed).toEqual([]);
  });
});
