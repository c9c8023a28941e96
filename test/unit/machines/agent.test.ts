import { expect, it } from 'vitest';
import { setup } from 'xstate';
import { describeMachine } from '../../../src/actors/core/describe.ts';
import { kindOfLogic } from '../../../src/actors/core/logic.ts';
import { agent } from '../../../src/machines/agent.ts';
import { doing, start } from './kit.ts';

const asker = setup({
  types: { input: {} as { question: string } },
  actors: { oracle: agent<{ answer: number }, { question: string }>() },
}).createMachine({
  id: 'asker',

  initial: 'asking',
  states: {
    asking: {
      invoke: { src: 'oracle', input: { question: 'how many?' }, onDone: 'answered' },
    },
    answered: { type: 'final', output: ({ event }) => (event as unknown as { output: unknown }).output },
  },
  output: ({ event }) => event.output,
});

it('says outside Quorate which agent is missing and how to give it', async () => {
  expect(await start(asker, { question: 'q' }).end).toMatchObject({
    status: 'error',
    error: { code: 'AGENT_NOT_FOUND', message: expect.stringContaining(`provide({ actors: { "oracle"`) },
  });
});

it('gives way to an implementation', async () => {
  const provided = asker.provide({
    actors: { oracle: agent<{ answer: number }, { question: string }>() },
  });
  const fake = asker.provide({
    actors: {
      oracle: doing<{ question: string }>(({ question }) => ({ answer: question.length })) as never,
    },
  });
  expect((await start(provided, { question: 'q' }).end).status).toBe('error');
  expect(await start(fake, { question: 'q' }).end).toEqual({ status: 'done', output: { answer: 9 } });
});

it('is no promise logic to Quorate, which would run it otherwise', () => {
  expect(kindOfLogic(agent())).toBe('other');
  const ref = { type: 'asker', module: 'file:///unused', export: 'asker', version: '1', path: [] };
  expect(describeMachine(asker, ref).sources).toMatchObject([{ src: 'oracle', kind: 'unresolved' }]);
});
