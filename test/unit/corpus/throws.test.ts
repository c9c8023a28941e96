// A throw on an input that nobody outside has sent ends a durable actor as it ends a live one: every kind of such an input, and
// every place of a machine that can throw (I7).
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import type { Case } from './case.ts';
import { start, wait } from './case.ts';
import { runDurable } from './durable.ts';
import { runLive } from './live.ts';
import type { View } from './observe.ts';
import { ROOT } from './observe.ts';
import type { Place } from './throws.ts';
import { PLACES, SUBJECTS, supervisor } from './throws.ts';

beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const module = new URL('./throws.ts', import.meta.url).href;
const kinds = Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[];
const table = kinds.flatMap((kind) => PLACES.map((place) => [kind, place] as const));

function given(name: string, machine: AnyStateMachine, place: Place, of?: string): Case {
  const machines: Record<string, AnyStateMachine> = of === undefined ? {} : SUBJECTS;
  const input = of === undefined ? { place } : { place, of };
  const script = [start, wait(10), wait(10)].map((step) => [step, ''] as const);
  return { name, module, machine, machines, input, script };
}

const views = (observations: readonly { readonly actors: Readonly<Record<string, View>> }[]) =>
  observations.map(({ actors }) => actors[ROOT]);

describe('a throw on an input that nobody can send again', () => {
  it.each(table)('%s, in its %s: ends the actor in error, as it was before', async (kind, place) => {
    const one = given(kind, SUBJECTS[kind], place);
    const live = views(await runLive(one));
    const { observations, rejected } = await runDurable(one);
    expect(live.at(-1)).toMatchObject({
      status: 'error',
      error: { error: expect.stringContaining(`thrown in ${place}`) },
    });
    expect(views(observations)).toEqual(live);
    expect(rejected).toEqual([]);
  });

  it.each(table)('%s, in its %s: is told to the parent', async (of, place) => {
    const one = given('supervisor', supervisor, place, of);
    const live = views(await runLive(one));
    const { observations, rejected } = await runDurable(one);
    const said: unknown = expect.stringContaining(`thrown in ${place}`);
    expect(live.at(-1)).toMatchObject({ value: 'told', context: { told: said } });
    expect(views(observations)).toEqual(live);
    expect(rejected).toEqual([]);
  });
});
