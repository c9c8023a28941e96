// Azurite, Microsoft's emulator of Blob storage: installed on demand into a cache folder, for it brings hundreds of packages.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VERSION = '3.37.0';
const ENTRY = 'node_modules/azurite/dist/src/blob/main.js';
/** The account and key that every copy of the emulator has. */
const ACCOUNT = 'devstoreaccount1';
export const AZURITE_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const START_LIMIT_MS = 50_000;
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/;

export type Installed =
  | { readonly kind: 'installed'; readonly folder: string }
  | { readonly kind: 'unreachable'; readonly why: string };

/** CI has a registry: there, nothing is skipped. */
export async function installAzurite(): Promise<Installed> {
  const user = process.getuid?.() ?? 'user';
  const folder = join(tmpdir(), `quorate-azurite-${VERSION}-${user}`);
  if (existsSync(join(folder, ENTRY))) return { kind: 'installed', folder };
  const fresh = await mkdtemp(`${folder}-`);
  await writeFile(join(fresh, 'package.json'), '{"private":true}');
  const npm = process.env['npm_execpath'];
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `azurite@${VERSION}`];
  const child =
    npm === undefined
      ? spawn('npm', install, { cwd: fresh, stdio: ['ignore', 'ignore', 'pipe'] })
      : spawn(process.execPath, [npm, ...install], { cwd: fresh, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    await rm(fresh, { recursive: true, force: true });
    const why = UNREACHABLE.exec(said)?.[0];
    if (why === undefined || process.env['CI'] !== undefined)
      throw new Error(`azurite was not installed: ${said.slice(-2_000)}`);
    return { kind: 'unreachable', why };
  }
  // Another run may have been faster.
  await mkdir(folder, { recursive: true });
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true, force: true }));
  return { kind: 'installed', folder };
}

export interface Azurite extends AsyncDisposable {
  readonly connectionString: string;
}

export async function startAzurite(folder: string): Promise<Azurite> {
  const options = [
    '--blobHost',
    '127.0.0.1',
    '--blobPort',
    '0',
    '--inMemoryPersistence',
    '--disableTelemetry',
    // The SDK speaks a newer version of the protocol than this emulator knows by name.
    '--skipApiVersionCheck',
  ];
  const child = spawn(process.execPath, [join(folder, ENTRY), ...options], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await Promise.race([portOf(child), silence(child)]);
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${AZURITE_KEY};BlobEndpoint=http://127.0.0.1:${port}/${ACCOUNT};`,
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'close');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** A version that says it otherwise is an error, and no test that hangs. */
async function silence(child: ChildProcess): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, START_LIMIT_MS).unref());
  child.kill('SIGKILL');
  throw new Error('azurite did not say where it listens');
}

function portOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('azurite has no output');
  const { stdout } = child;
  let said = '';
  return new Promise((resolve, reject) => {
    // Read on to the end: it writes a line for each request.
    stdout.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
      const port = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(port);
    });
    child.once('close', () => reject(new Error(`azurite ended without listening: ${said}`)));
  });
}
