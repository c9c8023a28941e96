import { expect, it } from 'vitest';
import { statusOf } from '../../../../src/cli/commands/actors.ts';
import { describeAgents } from '../../../../src/cli/commands/agents.ts';

it('shows which agents are paused, since when and why', () => {
  const found = { researcher: { since: 0, reason: 'costs' }, reviewer: null, writer: { since: 60_000 } };
  expect(describeAgents(found)).toEqual([
    'agent       state                                  reason',
    'researcher  paused since 1970-01-01T00:00:00.000Z  costs',
    'reviewer    may begin tasks',
    'writer      paused since 1970-01-01T00:01:00.000Z',
  ]);
  expect(describeAgents({})).toEqual([expect.stringContaining('atRunTime')]);
});

it('says of an actor that the agent it waits for is paused', () => {
  const paused = { researcher: { since: 0 } };
  expect(statusOf({ status: 'active', paused })).toBe('active: agent researcher is paused');
  expect(statusOf({ status: 'done', paused })).toBe('done');
});
