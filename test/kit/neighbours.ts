// Busy neighbours: processes that take all the processor time they get, for benches and chaos. They are children: they end when
// they are told, by themselves when their parent has gone, and in any case when their time is over.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Neighbours extends AsyncDisposable {
  readonly pids: readonly number[];
}

const LOOK_EVERY_MS = 50;

export function startNeighbours(count: number, limitMs: number): Neighbours {
  const busy = `const end = Date.now() + ${limitMs}, parent = process.ppid;
    while (Date.now() < end && process.ppid === parent)
      for (const look = Date.now() + ${LOOK_EVERY_MS}; Date.now() < look; );`;
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, ['-e', busy], { stdio: 'ignore' }),
  );
  const ended = children.map((child) => once(child, 'exit'));
  return {
    pids: children.map(({ pid }) => pid ?? 0),
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(ended);
    },
  };
}
