// Processes of the runtime's bench that do jobs on demand: the protocol, and the side that does them. Both sides are typed by
// one record of functions.

/** Name of a job -> what it does. Arguments and results travel as JSON. */
// oxlint-disable-next-line typescript/no-explicit-any -- each job names its own arguments
export type Jobs = Record<string, (...args: any[]) => Promise<unknown>>;

export interface Ask {
  readonly id: number;
  readonly job: string;
  readonly args: readonly unknown[];
}

export type Tell =
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string };

/** Called once, in the entry of such a process. */
export function serveJobs(jobs: Jobs): void {
  const tell = (message: Tell): void => void process.send?.(message);
  process.on('message', ({ id, job, args }: Ask) => {
    const run = jobs[job];
    if (run === undefined) return tell({ kind: 'failed', id, why: `there is no job ${job}` });
    run(...args).then(
      (result) => tell({ kind: 'done', id, result }),
      (error: unknown) => tell({ kind: 'failed', id, why: String(error) }),
    );
  });
  // Nobody is left to ask.
  process.on('disconnect', () => process.exit());
}
