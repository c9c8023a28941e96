// The version that the package says it is.
import { readFileSync } from 'node:fs';

/** The version in the nearest package.json: the same from src/ and from dist/src/. */
export function readVersion(from: URL = new URL('../', import.meta.url)): string {
  const version = versionIn(from);
  const parent = new URL('../', from);
  return version ?? (parent.href === from.href ? 'unknown' : readVersion(parent));
}

function versionIn(folder: URL): string | undefined {
  try {
    const manifest = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string };
    return manifest.version;
  } catch {
    return undefined;
  }
}
