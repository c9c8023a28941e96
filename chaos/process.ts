// A process of Quorate that may be killed, frozen and started again; its output goes to a log file.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../bin/quorate.js', import.meta.url));
/** Hang limits: of one start, and of starting again while nothing answers. */
const SAY_LIMIT_MS = 60_000;
const START_LIMIT_MS = 300_000;
const RESTART_MS = 500;

export interface ProcessOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: string;
  /** Standard output says so once it works. */
  readonly ready: RegExp;
}

export class Process {
  readonly name: string;
  readonly #options: ProcessOptions;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #frozen = false;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = createWriteStream(options.log, { flags: 'a' });
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** As its supervisor would: one that gives up because the broker is away is started again. */
  async start(): Promise<void> {
    for (const until = Date.now() + START_LIMIT_MS; ; ) {
      try {
        return await this.#startOnce();
      } catch (error) {
        if (Date.now() > until) throw error;
        await sleep(RESTART_MS);
      }
    }
  }

  async #startOnce(): Promise<void> {
    const { args, cwd, env, ready } = this.#options;
    const { PATH, HOME, TMPDIR } = process.env;
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { PATH, HOME, TMPDIR, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let said = '';
    child.stderr?.pipe(this.#log, { end: false });
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`${this.name} does not start`)), SAY_LIMIT_MS);
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        this.#log.write(text);
        said += text;
        if (ready.test(said)) {
          clearTimeout(limit);
          resolve();
        }
      });
      child.once('exit', (code) => {
        clearTimeout(limit);
        reject(new Error(`${this.name} ended with ${code} before it was ready:\n${said}`));
      });
    });
  }

  /** As a crash: nothing is drained. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.#frozen = false;
  }

  freeze(): void {
    this.#frozen = true;
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#frozen = false;
    this.#child?.kill('SIGCONT');
  }

  /** Drains; gives the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    this.thaw();
    child.kill('SIGTERM');
    const [code] = (await ended) as [number | null];
    this.#log.end();
    return code;
  }
}
