// Admission as a process is configured: nothing where nothing is said, nothing in virtual time, and a task's handler loses nothing of
// what it is given.
import { describe, expect, it } from 'vitest';
import type { Disposition } from '../../../src/contract/ports.ts';
import { SILENT } from '../../../src/contract/ports.ts';
import type { ControlMailbox } from '../../../src/mailbox/control-mailbox.ts';
import { admissionOf, reporting, waitReportsOf } from '../../../src/runtime/admission.ts';
import { inbound } from '../../kit/inbound.ts';

const mailbox: ControlMailbox = {
  ask: async () => null,
  tell: async () => {},
  listen: () => ({ address: { entity: 'replies', sessionId: 'p', correlationId: 'c' }, release: () => {} }),
  close: async () => {},
};
const context = (admission: { maxWaitMs: number } | undefined, skips = false) => ({
  config: { admission },
  mailbox,
  logger: SILENT,
  clock: { now: () => 0, skips },
});
const agent = { concurrency: 1, isLimited: () => false, running: () => 0 };

describe('admission of a process', () => {
  it('is nothing where nothing is configured, and tells nothing in virtual time', () => {
    expect([waitReportsOf(context(undefined)), admissionOf(context(undefined))]).toEqual([undefined, {}]);
    expect(waitReportsOf(context({ maxWaitMs: 1 }, true))).toBeUndefined();
    expect(admissionOf(context({ maxWaitMs: 1 })).admission?.refusal()).toBeUndefined();
  });

  it('hands on all that the handler of a task is given', async () => {
    const waits = waitReportsOf(context({ maxWaitMs: 1 }));
    const given: unknown[] = [];
    const handle = async (...all: unknown[]): Promise<Disposition> => {
      given.push(...all);
      return { kind: 'complete' };
    };
    const message = inbound('task', null);
    const lost = new AbortController().signal;
    const passed = (): void => {};
    for (const reported of [reporting(waits, 'a', agent, handle), reporting(undefined, 'a', agent, handle)])
      expect(await reported(message, lost, passed)).toEqual({ kind: 'complete' });
    expect(given).toEqual([message, lost, passed, message, lost, passed]);
    waits?.stop();
  });
});
