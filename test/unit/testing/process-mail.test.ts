// A world is settled once what was sent to living processes has come.
import { expect, it } from 'vitest';
import { ProcessMail } from '../../../src/testing/process-mail.ts';
import { inbound } from '../../kit/inbound.ts';

const sent = (sessionId: string, messageId: string, entity = 'replies') => ({
  entity,
  sessionId,
  messageId,
  subject: 'answer' as const,
  body: null,
});
const came = (sessionId: string, messageId: string) => inbound('answer', null, { sessionId, messageId });

it('waits for what was sent to who reads, and for nothing else', () => {
  const mail = new ProcessMail();
  const [one, other] = [mail.open(), mail.open()];
  one.reads('p');
  other.sent([sent('p', '1'), sent('nobody', '2'), sent('p', '3', 'actor.p')]);
  expect(mail.isRead).toBe(false);
  one.came(came('p', '1'));
  expect(mail.isRead).toBe(true);
});

it('knows what came before its sender knew, and a repeat, which does not come again', () => {
  const mail = new ProcessMail();
  const box = mail.open();
  box.reads('p');
  box.came(came('p', '1'));
  box.sent([sent('p', '1')]);
  box.sent([sent('p', '1')]);
  expect(mail.isRead).toBe(true);
});

it('waits for nobody who is gone', () => {
  const mail = new ProcessMail();
  const [dead, living] = [mail.open(), mail.open()];
  dead.reads('p');
  living.reads('q');
  living.sent([sent('p', '1')]);
  dead.close();
  living.sent([sent('p', '2')]);
  expect(mail.isRead).toBe(true);
  living.sent([sent('q', '3')]);
  expect(mail.isRead).toBe(false);
});
