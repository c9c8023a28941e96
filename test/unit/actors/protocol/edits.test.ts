import { expect, it } from 'vitest';
import { openClaims } from '../../../../src/actors/protocol/claims.ts';
import { editOf, toEdit, withEdit, withoutKept } from '../../../../src/actors/protocol/edits.ts';
import { redriven } from '../../../../src/actors/protocol/redrive.ts';
import type { Json } from '../../../../src/contract/json.ts';
import { type InboundMessage, PROPERTY } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';
import { memoryPayloads } from '../../../kit/memory-storage.ts';

const DEAD = { [PROPERTY.deadFrom]: 'agent.a', [PROPERTY.deadSession]: '' };
const body = {
  kind: 'task',
  agent: 'a',
  input: 1,
  key: 'k',
  execution: '0',
  branch: null,
  attempt: 3,
  deadlineAt: 1,
};
const who = { by: 'alice', at: 5 };

function task(
  more: Record<string, Json> = {},
  properties: InboundMessage['properties'] = {},
): InboundMessage {
  return inbound(
    'task',
    { ...body, ...more },
    {
      properties: { ...DEAD, ...properties },
      replyTo: 'actor.m',
      replyToSessionId: '1',
    },
  );
}

async function edited(
  letter: InboundMessage,
  changed: Json,
  payloads = memoryPayloads(),
): Promise<InboundMessage> {
  const edit = await toEdit(letter, changed, who, payloads);
  return { ...letter, properties: { ...letter.properties, [PROPERTY.edited]: edit } };
}

it('is what is sent again, under an id of its own; the letter keeps what it came with', async () => {
  const letter = task();
  const changed = await edited(letter, { ...body, input: 2 });
  expect(changed.body).toEqual(body);
  expect(editOf(changed)).toMatchObject(who);
  const [before, after] = [redriven(letter, 0), redriven(changed, 0)];
  expect(after.body).toEqual({ ...body, input: 2, attempt: 1, deadlineAt: 600_000 });
  expect(after.messageId).not.toBe(before.messageId);
  expect(after.properties).toEqual(before.properties);
  expect(redriven(changed, 0).messageId).toBe(after.messageId);
});

it('goes to the payload store where it is large, and is read from there', async () => {
  const payloads = memoryPayloads();
  const input = 'x'.repeat(100_000);
  const changed = await edited(task(), { ...body, input }, payloads);
  expect(String(changed.properties[PROPERTY.edited]).length).toBeLessThan(2_000);
  expect(await openClaims(withEdit(changed), payloads)).toMatchObject({ body: { input } });
});

it('keeps a stored value that stands where it stood, and lets go of one that was replaced', async () => {
  const ref = { $payload: 'test/m/x/in/1', bytes: 9 };
  const letter = task({ input: ref }, { [PROPERTY.claimed]: 'input' });
  const kept = await edited(letter, { ...body, input: ref });
  expect(withEdit(kept).properties[PROPERTY.claimed]).toBe('input');
  expect(withoutKept(kept).properties[PROPERTY.claimed]).toBeUndefined();
  const replaced = await edited(letter, { ...body, input: 2 });
  expect(withEdit(replaced).properties[PROPERTY.claimed]).toBeUndefined();
  expect(withoutKept(replaced).properties[PROPERTY.claimed]).toBe('input');
});

it.each([
  ['a task', task(), { ...body, input: 'x'.repeat(100_000) }, 'input'],
  [
    'an event',
    inbound(
      'event',
      { kind: 'event', event: { type: 'go' } },
      { properties: { [PROPERTY.deadFrom]: 'actor.m', [PROPERTY.deadSession]: '1' } },
    ),
    { kind: 'event', event: { type: 'go', text: 'x'.repeat(100_000) } },
    'event',
  ],
] as const)(
  '%s: a second edit keeps what the first one stored, given as it is shown',
  async (_, letter, large, field) => {
    const payloads = memoryPayloads();
    const first = await edited(letter, large, payloads);
    const shown = withEdit(first).body as Json;
    const second = await edited(first, shown, payloads);
    expect(editOf(second)?.claimed).toBe(field);
    expect(await openClaims(withEdit(second), payloads)).toMatchObject({ body: large });
  },
);

it.each<readonly [string, InboundMessage, Json]>([
  ['a key', task(), { ...body, key: 'other' }],
  ['an agent', task(), { ...body, agent: 'b' }],
  ['a field that no task has', task(), { ...body, further: 1 }],
  ['a body that is none', task(), 'text'],
  [
    'an event of the runtime',
    inbound('event', { kind: 'event', event: { type: 'a' } }),
    { kind: 'event', event: { type: 'xstate.done' } },
  ],
  ['a kind of a newer version', inbound('novelty', { kind: 'novelty' }), { kind: 'novelty', a: 1 }],
  [
    'an outcome that is none',
    inbound('reply', { kind: 'reply', execution: '0', outcome: { status: 'done', output: 1 } }),
    { kind: 'reply', execution: '0', outcome: { status: 'odd' } },
  ],
])('refuses %s', async (_, letter, changed) => {
  await expect(toEdit(letter, changed, who, memoryPayloads())).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  });
});
