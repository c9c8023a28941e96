import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, createMachine } from 'xstate';
import { describeMachine } from '../../../../src/actors/core/describe.ts';
import { toMermaid } from '../../../../src/cli/commands/draw-mermaid.ts';
import { saga } from '../../../../src/machines/saga.ts';
import { PATTERNS } from '../../machines/patterns.ts';

function draw(machine: AnyStateMachine, using: 'definition' | 'graph alone' = 'definition'): string {
  const ref = { type: 'x', module: 'file:///unused', export: 'x', version: '1', path: [] };
  const { graph, definition } = describeMachine(machine, ref);
  return using === 'definition' ? toMermaid(graph, definition) : toMermaid(graph);
}

const text = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('toMermaid', () => {
  it('draws states, their initial and final ones, transitions and guards', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: {
        a: {
          invoke: { id: 'ask', src: 'oracle', onDone: { target: 'b', guard: 'fine' }, onError: 'c' },
          after: { 1000: 'c', patience: 'b' },
          on: { NOTE: { actions: 'note' }, '*': 'c' },
        },
        b: { always: [{ target: 'c', guard: { type: 'ready' } }, { target: 'a' }] },
        c: { type: 'final' },
      },
    });
    expect(draw(machine)).toBe(
      text(
        'stateDiagram-v2',
        '  state "a" as a',
        '  state "b" as b',
        '  state "c" as c',
        '  [*] --> a',
        '  a --> a : NOTE',
        '  a --> c : any event<br/>error ask<br/>after 1000 ms',
        '  a --> b : done ask [fine]<br/>after patience',
        '  b --> c : always [ready]',
        '  b --> a : always',
        '  c --> [*]',
      ),
    );
  });

  it('draws regions, and names that Mermaid would take for its own', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'note',
      states: {
        note: { on: { GO: 'both' } },
        both: {
          type: 'parallel',
          onDone: 'end',
          states: {
            'left side': { initial: 'x', states: { x: { on: { 'LEFT.DONE': 'y' } }, y: { type: 'final' } } },
            right: { on: { PING: { actions: 'pong' } } },
          },
        },
        end: { type: 'final' },
      },
    });
    expect(draw(machine)).toBe(
      text(
        'stateDiagram-v2',
        '  state "note" as note_',
        '  state "both" as both {',
        '    state "left side" as both_left_side {',
        '      state "x" as both_left_side_x',
        '      state "y" as both_left_side_y',
        '      [*] --> both_left_side_x',
        '      both_left_side_x --> both_left_side_y : LEFT.DONE',
        '      both_left_side_y --> [*]',
        '    }',
        '    --',
        '    state "right" as both_right',
        '  }',
        '  state "end" as end_',
        '  [*] --> note_',
        '  note_ --> both : GO',
        '  both --> end_ : done',
        '  end_ --> [*]',
        '  both_right --> both_right : PING',
      ),
    );
  });

  it('escapes what would end a label', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { on: { 'x:y;"z" <i> {1} %% #35; \n`\\': 'b "quoted"' } }, 'b "quoted"': {} },
    });
    expect(draw(machine)).toBe(
      text(
        'stateDiagram-v2',
        '  state "a" as a',
        '  state "b #34;quoted#34;" as b_quoted_',
        '  [*] --> a',
        '  a --> b_quoted_ : x#58;y#59;#34;z#34; #60;i#62; #123;1#125; #37;#37; #35;35#59; #10;#96;#92;',
      ),
    );
  });

  it('keeps states apart whose names differ in signs only', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a b',
      states: { 'a b': { on: { GO: 'a-b' } }, 'a-b': {} },
    });
    expect(draw(machine)).toContain('  a_b --> a_b_ : GO');
  });

  it('draws the machine itself where it takes events, is one state or has regions', () => {
    const events = createMachine({ id: 'm', initial: 'a', on: { STOP: '.b' }, states: { a: {}, b: {} } });
    expect(draw(events)).toBe(
      text(
        'stateDiagram-v2',
        '  state "m" as m {',
        '    state "a" as a',
        '    state "b" as b',
        '    [*] --> a',
        '  }',
        '  m --> b : STOP',
      ),
    );
    expect(draw(createMachine({ id: 'm', on: { X: { actions: 'x' } } }))).toBe(
      text('stateDiagram-v2', '  state "m" as m', '  m --> m : X'),
    );
    expect(draw(createMachine({ id: 'm', type: 'parallel', states: { a: {}, b: {} } }))).toBe(
      text(
        'stateDiagram-v2',
        '  state "m" as m {',
        '    state "a" as a',
        '    --',
        '    state "b" as b',
        '  }',
      ),
    );
  });

  it('draws what leads out of a state on the page, where Mermaid leaves states in their place', () => {
    const steps = [{ name: 'pay', agent: 'payer', compensate: 'refunder' }];
    expect(draw(saga({ steps }))).toBe(
      text(
        'stateDiagram-v2',
        '  state "do" as do {',
        '    state "pay" as do_pay',
        '    [*] --> do_pay',
        '  }',
        '  state "undo" as undo {',
        '    state "pay" as undo_pay {',
        '      state "attempting" as undo_pay_attempting',
        '      state "waiting" as undo_pay_waiting',
        '      [*] --> undo_pay_attempting',
        '      undo_pay_attempting --> undo_pay_waiting : error undo.pay [attemptsLeft]',
        '      undo_pay_waiting --> undo_pay_attempting : after backoff',
        '    }',
        '    [*] --> undo_pay',
        '  }',
        '  state "done" as done',
        '  state "compensated" as compensated',
        '  state "compensationFailed" as compensationFailed',
        '  [*] --> do',
        '  do --> do : cancel',
        '  done --> [*]',
        '  compensated --> [*]',
        '  compensationFailed --> [*]',
        '  do_pay --> undo_pay : done do.pay [cancelled]<br/>error do.pay',
        '  do_pay --> done : done do.pay',
        '  undo_pay_attempting --> compensationFailed : done undo.pay [somethingLeft]<br/>error undo.pay',
        '  undo_pay_attempting --> compensated : done undo.pay',
      ),
    );
  });

  it('leaves out marks and guards when it has the graph alone', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { on: { GO: { target: 'b', guard: 'fine' } } }, b: { type: 'final' } },
    });
    expect(draw(machine, 'graph alone')).toBe(
      text('stateDiagram-v2', '  state "a" as a', '  state "b" as b', '  a --> b : GO'),
    );
  });
});

describe.each(Object.entries(PATTERNS))('the drawing of %s', (_, machine: AnyStateMachine) => {
  it.each(['definition', 'graph alone'] as const)('names every state once and no other (%s)', (using) => {
    const drawing = draw(machine, using);
    const declared = [...drawing.matchAll(/^ *state ".+" as (\w+)/gm)].map(([, name]) => name);
    const used = [...drawing.matchAll(/^ *(\S+) --> (\S+)/gm)].flatMap(([, from, to]) => [from, to]);
    expect(new Set(declared).size).toBe(declared.length);
    expect(new Set([...declared, '[*]'])).toEqual(new Set([...declared, ...used, '[*]']));
    expect(drawing.match(/\{$/gm)?.length ?? 0).toBe(drawing.match(/^ *\}$/gm)?.length ?? 0);
  });
});
