// The borders of ARCHITECTURE.md hold, and each rule that guards them finds what it is there for.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type IConfiguration, type ICruiseResult, type IViolation } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const rules = createRequire(import.meta.url)(
  join(ROOT, '.dependency-cruiser.cjs'),
) as Required<IConfiguration>;

async function violations(baseDir: string, folders: readonly string[]): Promise<readonly IViolation[]> {
  const { enhancedResolveOptions, ...options } = rules.options;
  const result = await cruise(
    [...folders],
    { ...options, baseDir, ruleSet: { forbidden: rules.forbidden }, validate: true },
    { ...enhancedResolveOptions, bustTheCache: true },
  );
  return (result.output as ICruiseResult).summary.violations;
}

const describeViolation = ({ rule, from, to }: IViolation): string => `${rule.name}: ${from} -> ${to}`;

/** Rule -> files of a small project, the first of which breaks it. */
const PLANTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no-cycles': {
    'src/client/a.ts': `import '../client/b.ts';`,
    'src/client/b.ts': `import type { A } from './a.ts';`,
  },
  'no-unresolved': { 'src/client/a.ts': `import '../missing.ts';` },
  'contract-imports-nothing': {
    'src/contract/a.ts': `import type { B } from '../client/b.ts';`,
    'src/client/b.ts': 'export type B = 1;',
  },
  'machines-are-plain': { 'src/machines/a.ts': `import '../client/b.ts';`, 'src/client/b.ts': '' },
  'pure-core': { 'src/actors/core/a.ts': `import { randomUUID } from 'node:crypto';` },
  'light-core': { 'src/actors/core/a.ts': `import 'zod';` },
  'core-stays-inside': { 'src/actors/core/a.ts': `import '../host/b.ts';`, 'src/actors/host/b.ts': '' },
  'machines-load-in-workers': {
    'src/runtime/runtime.ts': `import '../machines/b.ts';`,
    'src/machines/b.ts': '',
  },
  'actors-not-to-bridge': {
    'src/actors/host/a.ts': `import type { B } from '../../bridge/b.ts';`,
    'src/bridge/b.ts': 'export type B = 1;',
  },
  'bridge-not-to-actors': { 'src/bridge/a.ts': `import '../actors/host/b.ts';`, 'src/actors/host/b.ts': '' },
  'bridge-alone-speaks-azure': { 'src/client/a.ts': `import '@azure/service-bus';` },
  'broker-stands-alone': {
    'packages/broker/src/a.ts': `import type { B } from '../../../src/contract/b.ts';`,
    'src/contract/b.ts': 'export type B = 1;',
  },
  'helpers-stand-low': {
    'src/common/a.ts': `import '../bridge/b.ts';`,
    'src/bridge/b.ts': '',
  },
  'rhea-in-broker-only': { 'src/bridge/a.ts': `import 'rhea';` },
  'broker-and-inspector-on-demand': {
    'src/runtime/runtime.ts': `import { b } from '../../packages/broker/src/index.ts';`,
    'packages/broker/src/index.ts': 'export const b = 1;',
  },
  'telemetry-sdk-in-otel-only': { 'src/client/a.ts': `import '@opentelemetry/sdk-node';` },
  'otel-stands-alone': {
    'otel/a.ts': `import type { B } from '../src/contract/b.ts';`,
    'src/contract/b.ts': 'export type B = 1;',
  },
  'otel-on-demand': { 'src/cli/a.ts': `import '../../otel/register.ts';`, 'otel/register.ts': '' },
  'nobody-imports-the-cli': { 'src/client/a.ts': `import '../cli/b.ts';`, 'src/cli/b.ts': '' },
  'product-not-to-its-users': { 'src/client/a.ts': `import '../../test/b.ts';`, 'test/b.ts': '' },
  'examples-use-the-package': { 'examples/a.ts': `import '../src/client/b.ts';`, 'src/client/b.ts': '' },
  'no-dev-dependencies': { 'src/client/a.ts': `import 'vitest';` },
};

const PACKAGES = {
  dependencies: ['@azure/service-bus', 'rhea', 'zod', '@opentelemetry/sdk-node'],
  devDependencies: ['vitest'],
};

function plant(root: string, files: Readonly<Record<string, string>>): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const versions = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '1.0.0']));
  write(
    'package.json',
    JSON.stringify({
      type: 'module',
      dependencies: versions(PACKAGES.dependencies),
      devDependencies: versions(PACKAGES.devDependencies),
    }),
  );
  for (const name of [...PACKAGES.dependencies, ...PACKAGES.devDependencies]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    write(`node_modules/${name}/index.js`, '');
  }
  for (const [path, text] of Object.entries(files)) write(path, text);
}

describe('import directions', () => {
  it('hold in this project', async () => {
    expect((await violations(ROOT, ['src', 'otel', 'examples'])).map(describeViolation)).toEqual([]);
    // It reads the whole project.
  }, 150_000);

  it('have a planted violation for every rule', () => {
    expect(new Set(Object.keys(PLANTED))).toEqual(new Set(rules.forbidden.map(({ name }) => name)));
  });
});

describe('a planted violation is found by', () => {
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'quorate-imports-'));
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  it.each(Object.entries(PLANTED))('%s', async (rule, files) => {
    const root = join(scratch, rule);
    plant(root, files);
    const folders = [...new Set(Object.keys(files).map((path) => path.slice(0, path.indexOf('/'))))];
    const found = await violations(root, folders);
    expect(found.map(({ rule: { name } }) => name)).toContain(rule);
  });
});
