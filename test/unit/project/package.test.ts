// The package as others install it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Manifest {
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const broker = JSON.parse(read('packages/broker/package.json')) as Manifest;

describe('package.json', () => {
  it('pins every version exactly', () => {
    const versions = Object.entries({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...broker.dependencies,
    });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('has the broker of its own version as a peer: npm checks no range on its own workspace', () => {
    expect(manifest.peerDependencies['quorate-broker']).toBe(broker.version);
    expect(broker.version).toBe(manifest.version);
  });

  it('pins what both packages use at one version', () => {
    const own: Readonly<Record<string, string>> = { ...manifest.devDependencies, ...manifest.dependencies };
    const others = Object.entries(broker.dependencies).filter(([name]) => own[name] !== undefined);
    expect(others.filter(([name, version]) => own[name] !== version)).toEqual([]);
  });

  it('has no shell syntax in its scripts', () => {
    expect(Object.values(manifest.scripts).filter((script) => /[|&;<>$`'"*]|^\w+=/.test(script))).toEqual([]);
  });

  it('runs its scripts on a Node that its engines allow', () => {
    expect(manifest.devDependencies['node']).toMatch(/^24\./);
    expect(manifest.engines.node).toBe('>=24');
  });
});

describe('.ci/run', () => {
  it('calls the same command as a developer', () => {
    expect(read('.ci/run')).toContain('npm run verify');
    expect(manifest.scripts['verify']).toBe('node scripts/verify.ts');
    expect(read('scripts/verify.ts')).toContain("'test'");
  });
});
