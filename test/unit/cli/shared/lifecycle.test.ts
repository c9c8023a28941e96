import { describe, expect, it, vi } from 'vitest';
import {
  isSdkFault,
  type Lifecycle,
  type StopCause,
  startUnlessStopped,
  survivesSdkFaults,
} from '../../../../src/cli/shared/lifecycle.ts';

const SIGNAL: StopCause = { kind: 'signal', signal: 'SIGTERM' };
const CRASH: StopCause = { kind: 'crash', error: new Error('boom') };
const never = new Promise<never>(() => {});

function run(starting: Promise<string>, stopped: Promise<StopCause>) {
  const lines: string[] = [];
  const undone: string[] = [];
  const lifecycle: Lifecycle = { stopped, signal: AbortSignal.abort() };
  const terminal = { clear: () => {}, line: (text: string) => void lines.push(text) };
  const stop = async (value: string): Promise<void> => void undone.push(value);
  const end = startUnlessStopped(starting, stop, lifecycle, terminal, { undoLimitMs: 1 });
  return { end, lines, undone };
}

describe('startUnlessStopped', () => {
  it('gives what was started', async () => {
    const { end, lines } = run(Promise.resolve('host'), never);
    expect(await end).toEqual({ kind: 'started', value: 'host' });
    expect(lines).toEqual([]);
  });

  it('fails as the start fails', async () => {
    await expect(run(Promise.reject(new Error('no')), never).end).rejects.toThrow('no');
  });

  it.each([
    ['a start that is done soon', () => Promise.resolve('host'), SIGNAL, 0, ['host']],
    ['a start that fails then', () => Promise.reject(new Error('no')), SIGNAL, 0, []],
    ['a start that hangs', () => never, SIGNAL, 130, []],
    ['a bug', () => never, CRASH, 70, []],
  ])('a signal or a bug ends %s', async (_, start, cause, code, stopped) => {
    const starting = Promise.resolve().then(start);
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { end, lines, undone } = run(starting, Promise.resolve(cause));
    expect(await end).toEqual({ kind: 'cut short', code });
    expect(lines.at(-1)).toBe('stopped');
    expect(undone).toEqual(stopped);
    vi.restoreAllMocks();
  });
});

//

const AMQP =
  '    at Timeout._onTimeout (file:///app/node_modules/@azure/core-amqp/dist/esm/requestResponseLink.js:113:51)';
const RHEA = '    at get address (/app/node_modules/rhea-promise/dist/lib/link.js:63:28)';
const BUS = '    at async init (C:\\app\\node_modules\\@azure\\service-bus\\dist\\index.js:1:2)';
const NODE = '    at listOnTimeout (node:internal/timers:605:17)';
const ANONYMOUS = '    at Generator.next (<anonymous>)';
const TSLIB = '    at fulfilled (/app/node_modules/tslib/tslib.js:166:62)';
const USER = '    at run (file:///app/agents/summarize.ts:3:9)';
const OTHER = '    at run (/app/node_modules/rhea-like/index.js:1:1)';
const OURS = '    at Hold.run (file:///app/node_modules/quorate/dist/actors/host/hold.js:1:1)';

function thrown(...frames: string[]): Error {
  const error = new TypeError("Cannot read properties of undefined (reading 'address')");
  error.stack = [String(error), ...frames].join('\n');
  return error;
}

describe('isSdkFault', () => {
  it.each([
    ['a timer of the SDK', [RHEA, AMQP, NODE], true],
    ['compiled awaits', [RHEA, TSLIB, ANONYMOUS], true],
    ['a path of Windows', [BUS], true],
    ['a frame of the user above', [USER, AMQP], false],
    ['a frame of the user below', [AMQP, USER, NODE], false],
    ['a frame of ours', [AMQP, OURS], false],
    ['a package of a similar name', [AMQP, OTHER], false],
    ['Node alone', [NODE], false],
    ['no frame', [], false],
  ])('%s', (_, frames, expected) => {
    expect(isSdkFault(thrown(...frames))).toBe(expected);
  });

  it.each([['text'], [undefined], [{ stack: AMQP }]])('not what is no error: %o', (value) => {
    expect(isSdkFault(value)).toBe(false);
  });
});

it('is said and survived, and nothing else is', () => {
  const said: unknown[] = [];
  const survives = survivesSdkFaults(() => ({ error: (_, fields) => said.push(fields) }));
  const fault = thrown(RHEA, AMQP);
  expect(survives(fault)).toBe(true);
  expect(survives(thrown(USER))).toBe(false);
  expect(said).toEqual([{ error: fault.stack }]);
});
