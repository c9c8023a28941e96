// A machine that runs under createActor runs unchanged as a durable actor: every case both ways, step by step.
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Case } from './case.ts';
import { runDurable } from './durable.ts';
import { runLive } from './live.ts';
import { loadCases } from './load.ts';
import type { Observation } from './observe.ts';
import { plain, ROOT } from './observe.ts';

const cases = await loadCases();

// XState's development build warns of events to actors that have ended: cases do that on purpose.
beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

describe('the corpus', () => {
  it('is worth the name', () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  it.each(cases.map((given) => [given.name, given] as const))('%s', async (_name, given) => {
    const live = byPlace(await runLive(given));
    const { observations, rejected } = await runDurable(given);
    const durable = byPlace(observations);
    given.script.forEach(([step, value], at) => {
      const where = `after step ${at + 1}: ${JSON.stringify(step)}`;
      expect(live[at]?.actors[ROOT]?.value, `createActor ${where}`).toEqual(value);
      expect(durable[at], `durable ${where}`).toEqual(live[at]);
    });
    expect(rejected.map(([, { message }]) => message)).toEqual(given.refused ?? []);
    expectEnd(given, live);
  });
});

function expectEnd(given: Case, live: readonly Observation[]): void {
  const root = live.at(-1)?.actors[ROOT];
  expect(root?.status).toBe(given.status ?? (given.output === undefined ? 'active' : 'done'));
  if (given.context !== undefined) expect(root?.context).toMatchObject(plain(given.context) as object);
  if (given.output !== undefined) expect(root?.output).toEqual(given.output);
  const emitted = live.flatMap((step) => step.emitted.map(([, event]) => event));
  const logged = live.flatMap((step) => step.logged.map(([, value]) => value));
  const acted = live.flatMap((step) =>
    step.acted.map(([, name, params]) => (params === null ? name : [name, params])),
  );
  if (given.emitted !== undefined) expect(emitted).toEqual(given.emitted);
  if (given.logged !== undefined) expect(logged).toEqual(given.logged);
  if (given.acted !== undefined) expect(acted).toEqual(given.acted);
}

/** Children without an id are called by numbers that differ: here by the order in which they were first seen. */
function byPlace(observations: readonly Observation[]): Observation[] {
  const names = new Map<string, string>();
  const text = JSON.stringify(observations).replaceAll(/x:[0-9.]+/g, (id) => {
    const name = names.get(id) ?? `unnamed ${names.size + 1}`;
    names.set(id, name);
    return name;
  });
  return JSON.parse(text) as Observation[];
}
