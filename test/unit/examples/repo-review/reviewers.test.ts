// Each reviewer on files with known faults.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { complexity, lookForComplexity } from '../../../../examples/repo-review/agents/complexity.ts';
import { docs } from '../../../../examples/repo-review/agents/docs.ts';
import { lookForSecrets, secrets } from '../../../../examples/repo-review/agents/secrets.ts';
import { measureFunctions } from '../../../../examples/repo-review/lib/functions.ts';
import { staleNotes } from '../../../../examples/repo-review/lib/notes.ts';
import { readAllFindings } from '../../../../examples/repo-review/lib/run-folder.ts';
import {
  agentContext,
  copyOfFixture,
  findingsOf,
  places,
  TODAY,
  taskFor,
  temporaryFolder,
  workplace,
} from './kit.ts';

describe('complexity', () => {
  test('counts decisions on the syntax tree, per function', () => {
    const source = `
      const outer = (a) => {
        function inner(b) { return b && a || a ?? b; }
        switch (a) { case 1: return 1; case 2: return 2; default: return inner(a) ? 3 : 4; }
      };
      class Shop { #open() { for (const x of []) { while (x) { if (x) { break; } else if (!x) { continue; } } } } }
    `.replace('a ?? b', '(a ?? b)');
    const measured = measureFunctions('x.js', source);
    if (measured.kind !== 'functions') throw new Error('must parse');
    expect(measured.functions.map(({ name, complexity: value, depth }) => [name, value, depth])).toEqual([
      ['outer', 4, 1],
      ['inner', 4, 0],
      ['#open', 5, 3],
    ]);
  });

  test('a callback is named by who takes it, and a suite of tests is not called long', () => {
    const body = 'f();\n'.repeat(90);
    const found = lookForComplexity(
      'x.test.ts',
      `describe('a', () => {\n${body}});\nlist.map(() => {\n${body}});`,
    );
    expect(found.map(({ message }) => message)).toEqual(['callback of map is 92 lines long (limit 80)']);
  });

  test('grades complexity, length and nesting', () => {
    const ifs = (count: number): string => 'if (a) b();\n'.repeat(count);
    const found = lookForComplexity(
      'x.ts',
      `function f(a: number) {\n${ifs(100)}}\nfunction g() {\n${ifs(12)}}`,
    );
    expect(found.map(({ line, rule, severity }) => [line, rule, severity])).toEqual([
      [1, 'complex-function', 'high'],
      [1, 'long-function', 'low'],
      [103, 'complex-function', 'low'],
    ]);
    const deep = `function h() { ${'if (a) { '.repeat(7)}${'}'.repeat(7)} }`;
    expect(lookForComplexity('x.js', deep)).toMatchObject([{ rule: 'deep-nesting', severity: 'medium' }]);
  });

  test('survives a sum of 2,000 terms and JSX', () => {
    const sum = Array.from({ length: 2_000 }, (_, index) => `v${index}`).join(' +\n');
    expect(lookForComplexity('x.js', `const total = ${sum};`)).toEqual([]);
    expect(
      lookForComplexity('x.tsx', 'const View = (p: { a: boolean }) => <b>{p.a ? <i /> : null}</b>;'),
    ).toEqual([]);
  });

  test('says what it could not parse, and leaves other files alone', async () => {
    const place = await workplace(await copyOfFixture('small'));
    expect(places(await findingsOf(complexity, place, 'src/broken.js'))).toEqual([
      'src/broken.js:2 unparsable low',
    ]);
    expect(lookForComplexity('notes.txt', 'if (')).toEqual([]);
  });
});

describe('secrets', () => {
  test('finds secrets and risky calls in the fixture', async () => {
    const place = await workplace(await copyOfFixture('small'));
    expect(places(await findingsOf(secrets, place, 'src/server.ts'))).toEqual([
      'src/server.ts:4 connection-string high',
      'src/server.ts:7 shell-interpolation high',
      'src/server.ts:11 tls-disabled high',
    ]);
  });

  // Put together here, so that no scanner takes this file for a leak.
  const aws = ['AKIA', 'IOSFODNN7ABCDEFG'].join('');
  const key = ['-----BEGIN EC PRI', 'VATE KEY-----MHcCAQEE'].join('');
  const random = 'q7Zk2Lx9Vb4Tn8Rw3Yc6Hd1Mf5Jg0Ps-uE';
  test.each([
    ['known-token', `key: ${aws}`, aws],
    ['hardcoded-secret', `const apiKey = "v3ry-l0ng-4nd-s3cret";`, 'v3ry-l0ng-4nd-s3cret'],
    ['hardcoded-secret', `  "password": 'hunter2-hunter3',`, 'hunter2-hunter3'],
    ['high-entropy', `send('${random}');`, random],
    ['connection-string', 'AccountKey=c2VjcmV0LXNlY3JldC1zZWNyZXQ=', 'c2VjcmV0LXNlY3JldC1zZWNyZXQ='],
    ['private-key', key, 'MHcCAQEE'],
  ])('%s is found and its text never reported: %s', (rule, line, secret) => {
    const found = lookForSecrets('config.ts', `first\n${line}`);
    expect(found.map((one) => [one.rule, one.line])).toEqual([[rule, 2]]);
    expect(JSON.stringify(found)).not.toContain(secret);
    expect(found[0]?.excerpt).toContain('[redacted]');
  });

  test('a secret is redacted wherever else it stands in the file', () => {
    const found = lookForSecrets('a.js', `const token = '${random}';\neval(run); // ${random} ${random}`);
    expect(found.map(({ line, rule }) => `${line} ${rule}`)).toEqual(['1 hardcoded-secret', '2 eval']);
    expect(JSON.stringify(found)).not.toContain(random);
  });

  test('a second secret in the line of the first is redacted too', () => {
    const found = lookForSecrets('a.js', `f('${random}', 'redis://u:${random}@cache')`);
    expect(found).toHaveLength(2);
    expect(JSON.stringify(found)).not.toContain(random);
  });

  test.each([
    ['a placeholder', 'const password = "${PASSWORD}-example";'],
    ['a hash', `integrity: "sha512-${'q7Zk2Lx9'.repeat(8)}"`],
    ['an id', 'id = "0d4c9a52-9f5c-4a4e-8f63-cc8d5a1b0a11"'],
    ['an alphabet', 'const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";'],
    ['words', 'import x from "@scope/some-long-package-name-with-many-words/dist/file.js";'],
    ['a comment', '// eval(text) is not used here'],
    ['a method of another name', 'model.eval(); regex.exec(`${a}`);'],
    ['a url without password', 'fetch("https://host.example:8080/path")'],
  ])('%s is none', (_, line) => {
    expect(lookForSecrets('a.ts', line)).toEqual([]);
  });

  test('a line of a megabyte takes no time to speak of', () => {
    const text = `x = "${'ab1C'.repeat(240_000)}"`;
    expect(lookForSecrets('a.js', text).length).toBeLessThan(2);
  });
});

describe('docs', () => {
  test('follows links and anchors, not those in code', async () => {
    const place = await workplace(await copyOfFixture('small'));
    expect(places(await findingsOf(docs, place, 'README.md'))).toEqual([
      'README.md:5 dead-link medium',
      'README.md:6 dead-anchor low',
      'README.md:7 orphan-note low',
    ]);
  });

  test('notes: overdue, orphaned, or in good hands', () => {
    const text = [
      '// TODO clean up',
      '// TODO(ann) clean up',
      '# FIXME wrong sum',
      '// TODO 2020-05-05 remove the flag',
      '// TODO 2999-05-05 remove the flag',
      '// FIXME see https://issues.example/7',
      'const TODO = 1;',
    ].join('\n');
    expect(staleNotes(text, false, TODAY).map(({ line, rule, severity }) => [line, rule, severity])).toEqual([
      [1, 'orphan-note', 'low'],
      [3, 'orphan-note', 'medium'],
      [4, 'overdue-note', 'medium'],
    ]);
  });

  test('a secret beside a note is not shown', async () => {
    const root = await temporaryFolder();
    const line = '// TODO token = "v3ry-l0ng-4nd-s3cret"';
    await writeFile(join(root, 'a.js'), line);
    const found = await findingsOf(docs, await workplace(root), 'a.js');
    expect(found).toHaveLength(1);
    expect(JSON.stringify(found)).not.toContain('s3cret');
  });
});

describe('every reviewer', () => {
  test('writes one file under its key, the same however often it runs', async () => {
    const place = await workplace(await copyOfFixture('small'));
    const task = taskFor(place, 'src/server.ts');
    const first = await secrets(task, agentContext({ key: 'one' }));
    const path = join(place.runFolder, (first as { ref: string }).ref);
    const before = await readFile(path, 'utf8');
    const second = await secrets(task, agentContext({ key: 'one', attempt: 3 }));
    expect(await readFile(path, 'utf8')).toBe(before);
    expect(await readAllFindings(place.runFolder)).toHaveLength(1);
    expect(first).toMatchObject({ counts: { findings: 3, high: 3, medium: 0, low: 0, repeated: 0 } });
    expect(second).toMatchObject({ counts: { findings: 3, repeated: 2 } });
  });

  test('refuses a path that leaves the folder, and takes a file that is gone for an empty one', async () => {
    const place = await workplace(await copyOfFixture('small'));
    await expect(docs(taskFor(place, '../../etc/passwd'), agentContext())).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
    expect(await findingsOf(docs, place, 'gone.md')).toEqual([]);
  });
});
