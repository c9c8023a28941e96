// The package as others install it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STEPS } from '../../../scripts/steps.ts';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly workspaces?: readonly string[];
  readonly files?: readonly string[];
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
}

const EXACT = /^\d+\.\d+\.\d+$/;

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const broker = JSON.parse(read('packages/broker/package.json')) as Manifest;
const otel = JSON.parse(read('otel/package.json')) as Manifest;
const sample = JSON.parse(read('examples/repo-review/package.json')) as Manifest;

describe('package.json', () => {
  it('pins what it is developed with exactly', () => {
    const versions = Object.entries(manifest.devDependencies);
    // One has another name beside the version that tests run with.
    expect(versions.filter(([, version]) => !EXACT.test(version.replace(/^npm:.*@/, '')))).toEqual([]);
  });

  it('leaves an application the choice of the other versions, but for what is patched and for the SDK of OpenTelemetry', () => {
    const versions = [manifest, broker, otel].flatMap(({ dependencies }) => Object.entries(dependencies));
    expect(versions.filter(([, version]) => !/^\^\d+\.\d+\.\d+$/.test(version))).toEqual([
      // Their insides are patched; the tests of the patches name the same versions.
      ['@azure/core-amqp', '4.5.1'],
      ['@azure/service-bus', '7.9.5'],
      ['rhea', '3.0.5'],
      ['rhea-promise', '3.0.3'],
      // Below the broker.
      ['rhea', '3.0.5'],
      // Packages of one release pin each other: a newer one of them makes nine copies.
      ['@opentelemetry/exporter-trace-otlp-http', '0.301.0'],
      ['@opentelemetry/otlp-transformer', '0.301.0'],
      ['@opentelemetry/resources', '3.1.0'],
      ['@opentelemetry/sdk-node', '0.301.0'],
      ['@opentelemetry/sdk-trace', '3.1.0'],
    ]);
  });

  it.each([
    ['quorate-broker', broker],
    ['quorate-otel', otel],
  ])(
    'has %s of its own version as an optional peer: npm checks no range on its own workspace',
    (name, one) => {
      expect(manifest.peerDependencies[name]).toBe(one.version);
      expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
      expect(one.version).toBe(manifest.version);
    },
  );

  it('pins what several packages use at one version', () => {
    const own: Readonly<Record<string, string>> = { ...manifest.devDependencies, ...manifest.dependencies };
    const others = [broker, otel, sample].flatMap(({ dependencies }) =>
      Object.entries(dependencies).filter(([name]) => own[name] !== undefined),
    );
    expect(others.filter(([name, version]) => own[name] !== version)).toEqual([]);
  });

  it.each([
    '@azure/storage-blob',
    '@modelcontextprotocol/client',
    '@modelcontextprotocol/server',
    'ai',
    'elkjs',
    'pino-pretty',
  ])('leaves %s to those who want it', (name) => {
    expect(manifest.dependencies[name]).toBeUndefined();
    expect(manifest.peerDependencies[name]).toMatch(/^\^/);
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
  });

  it('shares one copy of XState with the application: its machines cross the border', () => {
    expect(manifest.dependencies['xstate']).toBeUndefined();
    expect(manifest.peerDependencies['xstate']).toBe('^5.33.0');
    expect(manifest.peerDependenciesMeta['xstate']).toBeUndefined();
  });

  it("leaves the API of OpenTelemetry to the application: the API hands no span to a copy that is newer than the SDK's", () => {
    const depending = [manifest, broker, otel].filter(
      ({ dependencies }) => '@opentelemetry/api' in dependencies,
    );
    expect(depending).toEqual([]);
    // Line 2 of the SDK, Azure Monitor's, has 1.9; line 3 has 1.10.
    expect(manifest.peerDependencies['@opentelemetry/api']).toBe('^1.9.0');
    expect(manifest.peerDependenciesMeta['@opentelemetry/api']).toBeUndefined();
  });

  it('installs one copy of each part of the SDK', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Readonly<Record<string, unknown>>;
    };
    const copies = Object.keys(packages).filter((path) => /.node_modules\/@opentelemetry\//.test(path));
    expect(copies).toEqual([]);
    expect(packages).toHaveProperty(['node_modules/@opentelemetry/sdk-node']);
  });

  it('has no shell syntax in its scripts', () => {
    expect(Object.values(manifest.scripts).filter((script) => /[|&;<>$`'"*]|^\w+=/.test(script))).toEqual([]);
  });

  it('runs its scripts on a Node that its engines allow', () => {
    expect(manifest.devDependencies['node']).toMatch(/^24\./);
    expect(manifest.engines.node).toBe('>=24');
  });
});

describe('the workspace', () => {
  it('has every package in it, and the root itself last, without which the sample gets quorate from the registry', () => {
    expect(manifest.workspaces).toEqual(['otel', 'packages/*', 'examples/repo-review', '.']);
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Readonly<Record<string, { readonly link?: boolean; readonly resolved?: string }>>;
    };
    expect(packages['node_modules/quorate']).toEqual({ resolved: '', link: true });
  });

  // The root is one of its own workspaces: with --workspaces a script would call itself for ever.
  it('is named by no script of the root as a whole', () => {
    const scripts = Object.entries(manifest.scripts);
    expect(scripts.filter(([, text]) => /(^|\s)(--workspaces|-ws)\b/.test(text))).toEqual([]);
  });

  // npm runs those of workspaces in no useful order; the root's builds every package.
  it('has a prepare script in the root only', () => {
    const prepared = [manifest, broker, otel, sample].filter(
      ({ scripts }) => scripts?.['prepare'] !== undefined,
    );
    expect(prepared.map(({ name }) => name)).toEqual(['quorate']);
  });

  it('has the sample for itself: private, with dependencies that the package does without', () => {
    expect(sample.private).toBe(true);
    expect([sample.dependencies['quorate'], sample.dependencies['quorate-broker']]).toEqual([
      manifest.version,
      broker.version,
    ]);
    const own = Object.keys(sample.dependencies).filter((name) =>
      /^@(babel|modelcontextprotocol)\//.test(name),
    );
    expect(own).toHaveLength(3);
    // What users of `quorate/mcp` install themselves is here for its tests as well.
    const brought = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(own.filter((name) => name in brought && !(name in manifest.peerDependencies))).toEqual([]);
    const files = manifest.files?.filter((path) => path.startsWith('examples/repo-review'));
    // What the pages that ship link to.
    expect(files).toEqual(['README.md', 'demo.ts', 'start.ts'].map((name) => `examples/repo-review/${name}`));
  });
});

describe('npm run verify', () => {
  it('runs every check that there is, and the tests, and says what to do about each', () => {
    const checks = Object.keys(manifest.scripts).filter(
      (name) => name === 'test' || name.startsWith('check:'),
    );
    expect(new Set(Object.keys(STEPS))).toEqual(new Set(checks));
    expect(Object.entries(STEPS).filter(([, advice]) => advice.length < 20)).toEqual([]);
  });

  it('names no script in its advice that is not there', () => {
    const named = Object.values(STEPS).flatMap((advice) => [...advice.matchAll(/npm run ([\w:]+)/g)]);
    expect(named.length).toBeGreaterThan(3);
    expect(named.map(([, name = '']) => name).filter((name) => !(name in manifest.scripts))).toEqual([]);
  });

  it('is what CI runs', () => {
    const lines = (path: string): string[] =>
      read(path)
        .split('\n')
        .map((line) => line.trim());
    expect(lines('.ci/run')).toContain('npm run verify || status=$?');
    expect(lines('.github/workflows/ci.yml')).toContain('- run: sudo -E env "PATH=$PATH" .ci/run');
  });
});
