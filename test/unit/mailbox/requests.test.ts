import { expect, it } from 'vitest';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { Bridge, Pump } from '../../../src/contract/ports.ts';
import type { InboundMessage, WireMessage } from '../../../src/contract/wire.ts';
import { createRequests } from '../../../src/mailbox/requests.ts';
import { inbound } from '../../kit/inbound.ts';
import { memoryPayloads } from '../../kit/memory-storage.ts';

/** A bridge that takes everything and answers nothing. */
function bridge(published: WireMessage[]): Bridge {
  const pump: Pump & { readonly ready: Promise<void> } = {
    active: 0,
    ready: Promise.resolve(),
    stop: async () => {},
  };
  return {
    pumpNamedSession: () => pump,
    publish: async (messages: readonly WireMessage[]) => {
      published.push(...messages);
      return messages.map(() => ({}));
    },
  } as unknown as Bridge;
}

const late = () => new QuorateError('RESULT_TIMEOUT', 'late');
const request = (asker: unknown): WireMessage => ({
  entity: 'actor.a',
  messageId: 'm',
  subject: 'await',
  body: { kind: 'await', asker: asker as never },
});

it('fails what nobody can answer any more when it is closed', async () => {
  const published: WireMessage[] = [];
  const requests = createRequests(bridge(published), memoryPayloads());
  const options = { timeoutMs: 60_000, onTimeout: late };
  const unanswered = requests.ask(request, options);
  await new Promise((resolve) => setImmediate(resolve));
  expect(published).toHaveLength(1);
  await requests.close();
  await expect(unanswered).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(requests.ask(request, options)).rejects.toMatchObject({ code: 'ABORTED' });
});

it.each([
  ['a message that the broker did not take is its fault', false, 'CONNECTION_FAILED', /here:5672/],
  ['one that it took and nobody answers is late', true, 'RESULT_TIMEOUT', /late/],
])('%s', async (_name, isTaken, code, message) => {
  const never = { ...bridge([]), publish: () => new Promise<never>(() => {}) };
  const requests = createRequests(isTaken ? bridge([]) : never, memoryPayloads(), 'here:5672');
  const asked = requests.ask(request, { timeoutMs: 20, onTimeout: late });
  await expect(asked).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  await requests.close();
});

it('an answer that is none is told to who asked, at once', async () => {
  let tell: (message: InboundMessage) => void = () => {};
  const published: WireMessage[] = [];
  const hearing = {
    ...bridge(published),
    pumpNamedSession: ({ onMessage }: { onMessage: typeof tell }) => {
      tell = onMessage;
      return bridge([]).pumpNamedSession({} as never);
    },
  } as unknown as Bridge;
  const requests = createRequests(hearing, memoryPayloads());
  const asked = requests.ask(request, { timeoutMs: 60_000, onTimeout: late });
  await new Promise((resolve) => setImmediate(resolve));
  const [sent] = published.map(({ body }) => body as { readonly asker: { readonly correlationId: string } });
  const correlationId = sent?.asker.correlationId ?? '';
  tell(inbound('answer', { kind: 'answer', answer: 'of a later version' }, { correlationId: 'of nobody' }));
  tell(inbound('answer', { kind: 'answer', answer: 'of a later version' }, { correlationId }));
  expect(await asked).toMatchObject({
    answer: 'error',
    error: { code: 'INPUT_INVALID', message: expect.stringContaining('this version of the client') },
  });
  await requests.close();
});
