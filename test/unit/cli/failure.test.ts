import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { formatFailure, toFailure } from '../../../src/cli/failure.ts';
import { QuorateError } from '../../../src/contract/errors.ts';

describe('toFailure', () => {
  it('takes code and hint from a coded error', () => {
    const failure = toFailure(new QuorateError('FOLDER_EMPTY', 'x holds no files.'));
    expect(failure).toMatchObject({
      code: 'FOLDER_EMPTY',
      hint: 'Choose a folder that holds files to review.',
      exit: 1,
    });
  });

  it('gives a code that travelled on a plain error its hint', () => {
    const failure = toFailure(Object.assign(new Error('gone'), { code: 'ACTOR_NOT_FOUND' }));
    expect(failure.hint).toMatch(/^Start the actor first/);
  });

  it('keeps the code of the system and has no advice of its own for it', () => {
    const failure = toFailure(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }));
    expect(failure).toMatchObject({ code: 'EACCES', exit: 1 });
    expect(failure.hint).toBeUndefined();
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
      'error CONFIG_INVALID: a: wrong\n  b: wrong\n  Correct the field that the message names.',
    );
  });

  it('adds the stack and its causes only when asked to', () => {
    expect(formatFailure(failure, false)).not.toContain('    at ');
    expect(formatFailure(failure, true)).toMatch(/ {4}at .*[\s\S]*Caused by: Error: the cause/);
  });
});
