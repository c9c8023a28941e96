// The command line in a process of its own, on dist, as its users start it. Whatever happens it is gone when its bench ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../bin/quorate.js', import.meta.url));
const SAMPLE = fileURLToPath(new URL('../examples/repo-review', import.meta.url));
const COMMIT_LOG = new URL('./commit-log.js', import.meta.url).href;

/** What `npm start` or `npm run demo` passes to the command line, on a data folder of its own; the folder to review comes next. */
export function sampleArgs(script: 'start' | 'demo', data: string): string[] {
  const own = ['--config', `${SAMPLE}/quorate.config.ts`, ...(script === 'demo' ? ['--once'] : [])];
  return ['start', '--port', '0', '--data', data, ...own, '--run', `${SAMPLE}/${script}.ts`];
}

export interface HostOptions {
  readonly cwd: string;
  /** Gets one line a commit, see commit-log.js. */
  readonly commits?: string;
  /** Ended with SIGKILL after so long: no bench hangs. */
  readonly limitMs: number;
}

export interface HostProcess extends AsyncDisposable {
  readonly pid: number;
  readonly startedAt: number;
  /** `performance.now()` when standard output first matched; rejects with what was said if the process ends before. */
  readonly says: (text: RegExp) => Promise<number>;
  /** Rejects when it ended by anything but the code. */
  readonly endsWith: (code: number) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<unknown>;
}

export function startHost(args: readonly string[], { cwd, commits, limitMs }: HostOptions): HostProcess {
  const node = commits === undefined ? [] : ['--import', COMMIT_LOG];
  const { PATH, HOME, TMPDIR } = process.env;
  const startedAt = performance.now();
  const child: ChildProcess = spawn(process.execPath, [...node, BIN, ...args], {
    cwd,
    env: { PATH, HOME, TMPDIR, ...(commits === undefined ? {} : { QUORATE_BENCH_COMMITS: commits }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const listeners = new Set<() => void>();
  const hear = (text: string): void => {
    said += text;
    for (const listener of listeners) listener();
  };
  child.stdout?.setEncoding('utf8').on('data', hear);
  child.stderr?.setEncoding('utf8').on('data', hear);
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null);
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  void ended.then(() => clearTimeout(limit));
  const failure = (what: string): Error => new Error(`quorate ${args.join(' ')} ${what}\n${said}`);

  return {
    ended,
    pid: child.pid ?? 0,
    startedAt,
    says: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (text.test(said)) resolve(performance.now());
        };
        listeners.add(check);
        void ended.then(() => reject(failure(`ended without saying ${String(text)}`)));
        check();
      }),
    endsWith: async (code) => {
      const actual = await ended;
      if (actual !== code) throw failure(`ended with ${actual ?? 'a signal'}`);
    },
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
