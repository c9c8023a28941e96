// The command line as its users start it: a process of its own, through bin/, on dist.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const BIN = fileURLToPath(new URL('../../bin/quorate.js', import.meta.url));

/** The arguments of `npm start` or `npm run demo` for any working folder, on a free port. */
export function sampleArgs(script: 'start' | 'demo', ...args: readonly string[]): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  const [command = '', ...own] = (scripts[script] ?? '').split(' ').slice(2);
  const placed = own.map((word) => (word.startsWith('examples/') ? join(ROOT, word) : word));
  return [command, '--port', '0', ...placed, ...args];
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves once standard output holds `text`; rejects with all that was said when the process ends before. */
  readonly says: (text: string | RegExp) => Promise<string>;
  readonly ended: Promise<Ended>;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Node itself. */
  readonly node?: readonly string[];
}

/** A test's environment without what would change the command's: its own is given by `env`. */
function cleanEnvironment(): Record<string, string | undefined> {
  const names = ['PATH', 'HOME', 'SYSTEMROOT', 'TMPDIR', 'TEMP', 'NODE_COMPILE_CACHE'];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

/** Killed, if need be, when the test is over. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  const child = spawn(process.execPath, [...(options.node ?? []), BIN, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]: (number | null)[]) => ({
    code: code ?? null,
    stdout,
    stderr,
  }));
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await ended;
  });
  const said = (text: string | RegExp): boolean =>
    typeof text === 'string' ? stdout.includes(text) : text.test(stdout);
  return {
    child,
    pid: child.pid ?? 0,
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!said(text)) return;
          child.stdout.off('data', check);
          resolve(stdout);
        };
        child.stdout.on('data', check);
        void ended.then(() =>
          reject(new Error(`ended without saying ${String(text)}\n${stdout}\n${stderr}`)),
        );
        check();
      }),
  };
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  return startCli(args, options).ended;
}
