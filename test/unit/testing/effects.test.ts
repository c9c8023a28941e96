import { expect, it } from 'vitest';
import { steadyName, steadyText } from '../../../src/testing/effects.ts';

it('leaves out what is drawn, how often was tried, and what a gather saw twice', () => {
  expect(steadyName('step/t~1k2j3~9z')).toBe('step/t~~');
  expect(steadyText({ code: 'TASK_FAILED', data: { attempts: 2, more: 1 } })).toBe(
    '{"code":"TASK_FAILED","data":{"more":1}}',
  );
  expect(steadyText({ total: 2, ok: 2, duplicates: 1 })).toBe('{"total":2,"ok":2}');
});

it('keeps a user’s own fields of the same names', () => {
  const own = { attempts: 3, duplicates: 4, data: { attempts: 5 } };
  expect(JSON.parse(steadyText(own))).toEqual(own);
});
