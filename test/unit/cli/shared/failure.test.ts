import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../../packages/broker/src/errors.ts';
import { formatFailure, toFailure } from '../../../../src/cli/shared/failure.ts';
import { QuorateError } from '../../../../src/contract/errors.ts';

describe('toFailure', () => {
  it('takes code and hint from a coded error', () => {
    const failure = toFailure(new QuorateError('CONFIG_NOT_FOUND', 'There is no file x.'));
    expect(failure).toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      hint: 'Pass an existing file with --config.',
      exit: 1,
    });
  });

  it('gives a code that travelled on a plain error its hint', () => {
    const failure = toFailure(Object.assign(new Error('gone'), { code: 'ACTOR_NOT_FOUND' }));
    expect(failure.hint).toMatch(/^Start the actor first/);
  });

  it.each([
    ['EMFILE', 'FILES_EXHAUSTED', /ulimit/],
    ['ENOSPC', 'DATA_UNWRITABLE', /room on the disk/],
    ['EACCES', 'DATA_UNWRITABLE', /right to write/],
    ['EROFS', 'DATA_UNWRITABLE', /another folder/],
    ['ENOTDIR', 'DATA_UNWRITABLE', /another folder/],
    ['EEXIST', 'DATA_UNWRITABLE', /another folder/],
    ['EIO', 'DISK_FAILED', /reset nothing/],
  ])('says what %s of the system means, and never a code of its own', (code, ours, hint) => {
    const error = Object.assign(new Error(`${code}: on purpose, open '/data/x'`), { code, syscall: 'open' });
    const failure = toFailure(error);
    expect(failure).toMatchObject({ code: ours, message: expect.stringContaining('/data/x'), exit: 1 });
    expect(failure.hint).toMatch(hint);
    expect(failure.hint).not.toMatch(/quorate reset|network|out of the way/);
  });

  it('gives an error of the broker, by its name, the code of the page', () => {
    const error = new BrokerError('BROKER_TOPOLOGY_INVALID', 'The queue q is declared twice.');
    expect(toFailure(error)).toMatchObject({ code: 'TOPOLOGY_MISMATCH', exit: 1 });
    expect(toFailure(new BrokerError('BROKER_FAILED', 'why'))).toMatchObject({ code: 'INTERNAL', exit: 70 });
  });

  it.each([[new TypeError('x is undefined')], ['thrown text'], [undefined]])(
    'calls %s an internal error',
    (thrown) => {
      expect(toFailure(thrown)).toMatchObject({ code: 'INTERNAL', exit: 70 });
    },
  );

  it('turns what the parser says into a usage error of one line', () => {
    const failure = toFailure(
      new CommanderError(1, 'commander.unknownOption', `error: unknown option '--x'\n(Did you mean --y?)`),
    );
    expect(failure).toMatchObject({
      code: 'USAGE',
      message: "unknown option '--x' (Did you mean --y?)",
      exit: 2,
    });
  });

  it('lets no key through', () => {
    const text = 'cannot reach Endpoint=sb://h;SharedAccessKeyName=n;SharedAccessKey=canary-key';
    const failure = toFailure(new Error(text, { cause: new Error(text) }));
    expect(formatFailure(failure, true)).not.toContain('canary-key');
  });
});

describe('formatFailure', () => {
  const failure = toFailure(
    new QuorateError('CONFIG_INVALID', 'a: wrong\nb: wrong', { cause: new Error('the cause') }),
  );

  it('is the code, the message and the hint', () => {
    expect(formatFailure(failure, false)).toBe(
      'error CONFIG_INVALID: a: wrong\n  b: wrong\n  Correct what the message names: a field, a variable or a file.',
    );
  });

  it('adds the stack and its causes only when asked to', () => {
    expect(formatFailure(failure, false)).not.toContain('    at ');
    expect(formatFailure(failure, true)).toMatch(/ {4}at .*[\s\S]*Caused by: Error: the cause/);
  });
});
