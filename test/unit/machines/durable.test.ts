// What Quorate asks of a machine at its registration, for every machine that the factories give.
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, createActor, createMachine } from 'xstate';
import { describeMachine } from '../../../src/actors/core/describe.ts';
import { PATTERNS } from './patterns.ts';

/** The only functions in a configuration: they give values and do nothing. */
const MAPPERS = new Set(['context', 'input', 'output', 'params']);

function functionsIn(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === 'function') return MAPPERS.has(path.at(-1) ?? '') ? [] : [path.join('.')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => functionsIn(item, [...path, key]));
}

describe.each(Object.entries(PATTERNS))('%s', (type, machine: AnyStateMachine) => {
  const ref = { type, module: 'file:///unused', export: type, version: '1', path: [] };

  it('has actions and guards by name only', () => {
    expect(functionsIn(machine.config)).toEqual([]);
    const actions = Object.entries(machine.implementations.actions);
    expect(actions.filter(([, action]) => !('resolve' in (action as object)))).toEqual([]);
  });

  it('is accepted as durable, with agents for everything it invokes but the scatter', () => {
    const { sources } = describeMachine(machine, ref);
    expect(sources.length).toBeGreaterThan(0);
    for (const { src, kind } of sources)
      expect(kind).toBe(src === 'quorate.scatter' ? 'scatter' : 'unresolved');
  });

  it('has a definition that createMachine accepts again', () => {
    const again = createMachine(describeMachine(machine, ref).definition as never);
    expect(Object.keys(again.states)).toEqual(Object.keys(machine.states));
  });

  it('has a small context of JSON, also without input', () => {
    const { context } = createActor(machine).getSnapshot() as { context: unknown };
    expect(JSON.parse(JSON.stringify(context))).toEqual(context);
    expect(JSON.stringify(context).length).toBeLessThan(400);
  });
});

it('finds an inline action, to know that the check can fail', () => {
  const inline = createMachine({ on: { GO: { actions: () => {} } } });
  expect(functionsIn(inline.config)).toEqual(['on.GO.actions']);
});
