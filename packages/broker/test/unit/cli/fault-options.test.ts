// What the flags of `fault` mean, read by commander as a person writes them.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addFaultCommand } from '../../../src/cli/fault.ts';
import { type FaultFlags, toFault } from '../../../src/cli/fault-options.ts';
import { parseFault } from '../../../src/control/fault.ts';
import type { FaultKind } from '../../../src/index.ts';

function faultOf(line: string): object {
  const broker = new Command('broker').exitOverride();
  addFaultCommand(broker, { name: 'quorate-broker', finish: () => {} });
  const [kind = '', ...flags] = line.split(' ');
  const command = broker.commands[0]?.commands.find((each) => each.name() === kind);
  if (!command) throw new Error(`there is no command ${kind}`);
  command.action(() => {});
  command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parse(flags, { from: 'user' });
  return toFault(kind as FaultKind, command.opts<FaultFlags>());
}

describe('the flags', () => {
  it.each<[string, object]>([
    [
      'reject --on send --entity q --at committed --skip 2 --times 3 --condition c --description no',
      {
        kind: 'reject',
        on: { operation: 'send', entity: 'q', skip: 2, times: 3 },
        at: 'committed',
        condition: 'c',
        description: 'no',
      },
    ],
    ['delay --on any', { kind: 'delay', on: {} }],
    ['delay --on settle --for 1.5s', { kind: 'delay', on: { operation: 'settle' }, ms: 1500 }],
    ['drop-connection --of-all', { kind: 'drop-connection', of: {} }],
    ['drop-connection --of-container c', { kind: 'drop-connection', of: { container: 'c' } }],
    [
      'drop-connection --on accept --session a --container c',
      { kind: 'drop-connection', on: { operation: 'accept', session: 'a', container: 'c' } },
    ],
    [
      'lose-lock --of-entity q --of-session s --of-message m --of-number 7',
      { kind: 'lose-lock', of: { entity: 'q', session: 's', messageId: 'm', sequenceNumber: 7 } },
    ],
    [
      'duplicate --entity q --message m --times always --after settlement',
      { kind: 'duplicate', on: { entity: 'q', messageId: 'm', times: 'always' }, after: 'settlement' },
    ],
    ['duplicate', { kind: 'duplicate' }],
    [
      'stop --on state-write --at acknowledged',
      { kind: 'stop', on: { operation: 'state-write' }, at: 'acknowledged', process: true },
    ],
  ])('%s', (line, fault) => {
    expect(faultOf(line)).toEqual(fault);
    expect(parseFault(fault)).toBe(fault);
  });

  it.each([
    ['reject --condition c', /required option '--on <operation>'/],
    ['reject --on send', /required option '--condition <name>'/],
    ['stop --on sing', /Allowed choices are send, /],
    ['stop --on send --times often', /A count is a whole number/],
    ['lose-lock --entity q', /--entity narrows an operation, so it needs --on/],
  ])('of %s are refused', (line, why) => {
    expect(() => faultOf(line)).toThrow(why);
  });
});
