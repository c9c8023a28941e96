// Every decision says when it was taken and whether it still holds; later ones say what was rejected (docs/decisions/0001).
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const FOLDER = new URL('../../../docs/decisions/', import.meta.url);
const STATUS = /^(\d{4}-\d\d-\d\d), (?:accepted\.( Reverses \[.*)?|superseded by \[\d{4}\]\(([^)]+)\)\.)$/;

const decisions = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(new URL(name, FOLDER), 'utf8');
  const [title = '', blank, status = ''] = text.split('\n');
  return { name, number: Number(name.slice(0, 4)), title, blank, status, text };
});

it('no two decisions have one number', () => {
  expect(new Set(decisions.map(({ number }) => number)).size).toBe(decisions.length);
});

it.each(decisions)(
  '$name has its number, a title, a date and a status',
  ({ name, number, title, blank, status }) => {
    expect(name).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
    expect(title).toMatch(new RegExp(`^# ${number}\\. \\S`));
    expect(blank).toBe('');
    expect(status).toMatch(STATUS);
    const [date = ''] = status.split(',');
    expect(new Date(date).toISOString().slice(0, 10)).toBe(date);
  },
);

it('a superseded decision names its successor, which names it', () => {
  const superseded = decisions.flatMap(({ name, status }) => {
    const successor = STATUS.exec(status)?.[3];
    return successor === undefined ? [] : [{ name, successor }];
  });
  expect(superseded.map(({ name }) => name)).toContain('0008-sample-in-the-package.md');
  const unnamed = superseded.filter(
    ({ name, successor }) =>
      decisions.find((one) => one.name === successor)?.status.includes(`](${name})`) !== true,
  );
  expect(unnamed).toEqual([]);
});

it('those from number 100 on say what was rejected', () => {
  const later = decisions.filter(({ number }) => number >= 100);
  expect(later.filter(({ text }) => !/^Rejected: \S/m.test(text)).map(({ name }) => name)).toEqual([]);
});
