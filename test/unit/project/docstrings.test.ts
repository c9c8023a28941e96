// What a package exports says what it is where it is declared: an editor shows that to its users, who may have no other page open.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const ENTRIES = [
  'src/index.ts',
  'src/testing/index.ts',
  'packages/broker/src/index.ts',
  'otel/index.ts',
  'otel/id-generator.ts',
  'otel/lint.ts',
];
/** What most programs call first. */
const MAIN = [
  'agent',
  'scatter',
  'scatterGather',
  'proposal',
  'saga',
  'connect',
  'createRuntime',
  'defineConfig',
  'defineMachine',
  'defineAgent',
  'exploreCrashes',
  'createBroker',
  'startBroker',
  'startTelemetry',
];

interface Exported {
  readonly name: string;
  readonly file: string;
  /** Without its stars; empty where there is none. */
  readonly doc: string;
  readonly declaration: string;
}

function exportsOf(entry: string): Exported[] {
  const text = readFileSync(join(ROOT, entry), 'utf8');
  const own = [
    ...text.matchAll(/^export (?:declare )?(?:async )?(?:function|const|class|interface|type) (\w+)/gm),
  ];
  const others = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '(\.[^']+)';$/gms)];
  return [
    ...own.map(([, name = '']) => exported(name, entry)),
    ...others.flatMap(([, names = '', from = '']) =>
      names
        .split(',')
        .map((one) => one.replace('type ', '').trim())
        .filter((name) => name !== '')
        .map((name) => exported(name, relative(ROOT, join(ROOT, dirname(entry), from)))),
    ),
  ];
}

function exported(name: string, file: string): Exported {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const pattern = `(/\\*\\*(?:(?!\\*/).)*\\*/\\n)?^export ((?:async )?(?:function|const|class|interface|type) ${name}\\b[^\\n]*)`;
  const found = new RegExp(pattern, 'ms').exec(text);
  if (found === null) throw new Error(`${file} does not declare ${name}`);
  const doc = (found[1] ?? '').replace(/^\/\*\*| *\*\/\n$/g, '').replace(/^ *\* ?/gm, '');
  return { name, file, doc: doc.trim(), declaration: found[2] ?? '' };
}

const all = ENTRIES.flatMap(exportsOf);
const functions = [...new Map(all.map((one) => [one.name, one])).values()].filter(({ declaration }) =>
  /^(async )?function/.test(declaration),
);

it('everything that is exported has a docstring', () => {
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter(({ doc }) => doc.length < 20).map(({ file, name }) => `${file}: ${name}`)).toEqual([]);
});

describe('of the functions', () => {
  it('each says what it gives or throws', () => {
    const short = functions.filter(
      ({ doc }) => !/@returns|@throws|\b(gives?|throws?|undefined|whether)\b/i.test(doc),
    );
    expect(short.map(({ name }) => name)).toEqual([]);
  });

  it.each(MAIN)('%s has an example', (name) => {
    const { doc } = functions.find((one) => one.name === name) ?? { doc: '' };
    expect(doc).toMatch(/@example\n```ts\n[\s\S]+\n```/);
  });
});
