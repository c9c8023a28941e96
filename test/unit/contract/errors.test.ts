import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromErrorJson, QuorateError, toErrorJson } from '../../../src/contract/errors.ts';
import { isJson } from '../../../src/contract/loss.ts';
import { withData } from '../../../src/contract/outcome.ts';
import { NO_JSON } from '../../kit/no-json.ts';

class McpError extends Error {
  override readonly name = 'McpError';
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

describe('an error as data', () => {
  it('keeps a code of its own, also a number, and its data', () => {
    expect(toErrorJson(new McpError(-32602, 'bad arguments', { field: 'q' }), 'TASK_FAILED')).toEqual({
      code: '-32602',
      message: 'bad arguments',
      name: 'McpError',
      data: { field: 'q' },
    });
    expect(toErrorJson(Object.assign(new Error('no file'), { code: 'ENOENT' }), 'TASK_FAILED')).toEqual({
      code: 'ENOENT',
      message: 'no file',
      name: 'Error',
    });
    expect(toErrorJson({ code: 14, message: 'a plain object' }, 'TASK_FAILED')).toEqual({
      code: '14',
      message: 'a plain object',
    });
  });

  it('has the fallback where the number means nothing', () => {
    expect(toErrorJson(new DOMException('stopped', 'AbortError'), 'TASK_FAILED')).toEqual({
      code: 'TASK_FAILED',
      message: 'stopped',
      name: 'AbortError',
    });
  });

  it.each(NO_JSON)('has plain data where $name was given: it is never refused', ({ make }) => {
    const { data } = toErrorJson(Object.assign(new Error('x'), { data: make() }), 'TASK_FAILED');
    expect(isJson(data)).toBe(true);
    expect(Object.keys(data as object)).toEqual(Object.keys(make() as object));
  });

  it('says in its data what JSON has no word for', () => {
    const data = {
      at: new Date(0),
      of: new Map([['a', 1n]]),
      n: Number.NaN,
      raw: new Uint8Array(3),
      cause: new TypeError('why'),
      f: function named() {},
    };
    expect(toErrorJson(Object.assign(new Error('x'), { data }), 'C').data).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      of: { a: '1' },
      n: 'NaN',
      raw: '[3 bytes]',
      cause: { name: 'TypeError', message: 'why' },
      f: '[function named]',
    });
  });

  it('is small however much it was given', () => {
    const wide = Array.from({ length: 100_000 }, (_, n) => ({ n, left: undefined }));
    const { data } = toErrorJson(Object.assign(new Error('x'), { data: wide }), 'C');
    expect(JSON.stringify(data).length).toBeLessThan(50_000);
  });

  it('is made of anything that can be thrown', () => {
    expect(toErrorJson('text', 'C')).toEqual({ code: 'C', message: 'text' });
    expect(toErrorJson({ n: 1n }, 'C')).toEqual({ code: 'C', message: '{"n":"1"}' });
    expect(toErrorJson(undefined, 'C').message).toBe('undefined was thrown');
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }), (thrown) => {
        expect(isJson(toErrorJson(thrown, 'C'))).toBe(true);
      }),
    );
  });

  it('comes back as what it was', () => {
    const error = new QuorateError('GATHER_FAILED', 'too few', { data: { ok: 1 } });
    expect(fromErrorJson(toErrorJson(error, 'C'))).toMatchObject({ code: 'GATHER_FAILED', data: { ok: 1 } });
    expect(fromErrorJson(toErrorJson(new McpError(-32001, 'late', 7), 'C'))).toMatchObject({
      code: '-32001',
      name: 'McpError',
      message: 'late',
      data: 7,
    });
  });

  it('takes facts beside the data that it has', () => {
    const error = { code: 'C', message: 'm' };
    expect(withData(error, { attempts: 3 }).data).toEqual({ attempts: 3 });
    expect(withData({ ...error, data: { a: 1 } }, { attempts: 3 }).data).toEqual({ a: 1, attempts: 3 });
    expect(withData({ ...error, data: [1] }, { attempts: 3 }).data).toEqual({ data: [1], attempts: 3 });
  });
});
