import { expect, it } from 'vitest';
import { doneBy, earlierOf, logAudit, toAudit } from '../../../../src/actors/protocol/audit.ts';
import { toEdit } from '../../../../src/actors/protocol/edits.ts';
import { parseAuditBody } from '../../../../src/actors/protocol/messages.ts';
import { redriven } from '../../../../src/actors/protocol/redrive.ts';
import { type InboundMessage, PROPERTY } from '../../../../src/contract/wire.ts';
import { inbound } from '../../../kit/inbound.ts';
import { memoryPayloads } from '../../../kit/memory-storage.ts';

const body = { kind: 'event', event: { type: 'take' } };
const letter = (sequenceNumber: number, properties = {}): InboundMessage =>
  inbound('event', body, {
    sequenceNumber,
    properties: { [PROPERTY.deadFrom]: 'actor.m', [PROPERTY.deadSession]: 'a', ...properties },
  });

it('a letter that comes back says who sent it again and why, and who had changed it before', async () => {
  const first = letter(7);
  const changed = { kind: 'event', event: { type: 'take', sku: 'A-7' } };
  const edit = await toEdit(first, changed, doneBy('bob', 1, 'the SKU was renamed'), memoryPayloads());
  const edited = { ...first, properties: { ...first.properties, [PROPERTY.edited]: edit } };
  const sent = redriven(edited, 2, doneBy('carol', 2, 'ticket 12'));
  const again = letter(9, sent.properties);
  const before = [
    {
      number: 7,
      by: 'carol',
      at: 2,
      why: 'ticket 12',
      edited: { by: 'bob', at: 1, why: 'the SKU was renamed' },
    },
  ];
  expect(earlierOf(again)).toEqual(before);
  const third = letter(11, redriven(again, 3, doneBy('', 3, undefined)).properties);
  expect(earlierOf(third)).toEqual([...before, { number: 9, by: '', at: 3 }]);
  // Of one that is only tried out nothing is said.
  expect(redriven(first, 2).properties).not.toHaveProperty(PROPERTY.earlier);
});

it('it says so of the latest five, in texts of a bounded length', () => {
  let one = letter(0);
  for (let number = 1; number <= 8; number++) {
    const { properties = {} } = redriven(one, number, doneBy('x'.repeat(1_000), number, 'y'.repeat(1_000)));
    one = letter(number, properties);
  }
  expect(earlierOf(one).map(({ number }) => number)).toEqual([3, 4, 5, 6, 7]);
  expect(earlierOf(one)[0]).toMatchObject({ by: 'x'.repeat(128), why: 'y'.repeat(300) });
});

it('texts are one line', () => {
  expect(doneBy('a\tb', 1, ' one\ntwo\u001B[2J ')).toEqual({ by: 'a b', at: 1, why: 'one two [2J' });
});

it('what somebody else wrote there is not believed', () => {
  for (const forged of ['no JSON', '{}', '[{"number":"1"}]', '[{"number":1,"by":"a","at":1,"more":1}]', 7])
    expect(earlierOf(letter(1, { [PROPERTY.earlier]: forged }))).toEqual([]);
});

it('a redrive that is repeated is told once, two edits of a letter are told twice', () => {
  const ids = (what: 'redriven' | 'edited') =>
    [1, 2].map((at) => toAudit(what, [7, 8], doneBy('a', at, undefined)).messageId);
  const [first, second] = ids('redriven');
  expect(first).toBe(second);
  expect(new Set([...ids('edited'), first]).size).toBe(3);
  expect(toAudit('redriven', [7], doneBy('a', 1, undefined)).messageId).not.toBe(first);
});

it('is a line of a log that can be searched by number and name', () => {
  const said: unknown[] = [];
  const log = (message: string, fields?: object): void => void said.push([message, fields]);
  const told = toAudit('redriven', [7, 8], doneBy('carol', 0, 'ticket 12'));
  const parsed = parseAuditBody(inbound('audit', told.body));
  if (!parsed.ok) throw new Error(parsed.why);
  logAudit({ info: log }, parsed.body);
  logAudit({ info: log }, { ...parsed.body, what: 'discarded', letters: [9], by: '' });
  logAudit(
    { info: log },
    { ...parsed.body, letters: Array.from({ length: 20 }, (_, number) => 10 ** 15 + number) },
  );
  expect(said.slice(0, 2)).toEqual([
    [
      '2 dead letters were sent again',
      { audit: 'redriven', numbers: '7 8', by: 'carol', at: 0, why: 'ticket 12' },
    ],
    ['a dead letter was thrown away', { audit: 'discarded', numbers: '9', by: '', at: 0, why: 'ticket 12' }],
  ]);
  // A text of the log has 300 characters.
  const many = said.slice(2).map((line) => (line as [string, { numbers: string }])[1].numbers);
  expect(many.map((numbers) => numbers.split(' ').length)).toEqual([16, 4]);
  for (const numbers of many) expect(numbers.length).toBeLessThanOrEqual(300);
  for (const forged of [{ ...parsed.body, at: Number.MAX_VALUE }, { ...parsed.body, letters: [] }, null])
    expect(parseAuditBody(inbound('audit', forged as never)).ok).toBe(false);
});
