// Memory of a process and all that it started, from /proc: resident pages, shared ones counted in each process.
import { readdirSync, readFileSync } from 'node:fs';

const SAMPLE_MS = 50;
/** A new child is seen this many samples late at most. */
const RESCAN_EVERY = 5;

export interface MemoryWatch {
  /** Highest sum over all processes at one instant, in bytes; undefined where there is no /proc. */
  readonly stop: () => { readonly peak: number; readonly peakByProcess: readonly number[] } | undefined;
}

export function watchMemory(root: number): MemoryWatch {
  let pids: readonly number[] = [root];
  let peak = 0;
  let peakByProcess: readonly number[] = [];
  let samples = 0;
  const timer = setInterval(() => {
    if (samples++ % RESCAN_EVERY === 0) pids = descendants(root);
    const bytes = pids.map((pid) => residentBytes(pid));
    const sum = bytes.reduce((total, one) => total + one, 0);
    if (sum <= peak) return;
    peak = sum;
    peakByProcess = bytes.filter((one) => one > 0);
  }, SAMPLE_MS).unref();
  return {
    stop() {
      clearInterval(timer);
      return peak === 0 ? undefined : { peak, peakByProcess };
    },
  };
}

/** `root` first. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of namesIn('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentIn(readOrEmpty(`/proc/${name}/stat`));
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const found = [root];
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

/** The command's name stands in parentheses and may hold anything, so what counts is behind the last one. */
export function parentIn(stat: string): number | undefined {
  const field = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ')[1];
  return field === undefined ? undefined : Number(field);
}

/** Of a process that is gone: 0. */
function residentBytes(pid: number): number {
  return residentIn(readOrEmpty(`/proc/${pid}/status`));
}

export function residentIn(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
