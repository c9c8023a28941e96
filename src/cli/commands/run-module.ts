// --run: a module of the application that is called once the application is ready: a first piece of work, a job, a smoke test.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importFault } from '../../config/import-fault.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { RunContext } from '../../contract/run-context.ts';

type Run = (context: RunContext) => Promise<void>;

/**
 * Loads the module before anything is started: a wrong path is an error at once, and so are arguments that its `check`, if it
 * exports one, refuses. Throws MODULE_NOT_LOADED, or what `check` throws, with a code.
 */
export async function loadRun(path: string, args: readonly string[]): Promise<Run> {
  const { href } = pathToFileURL(resolve(path));
  const module = await import(href).catch((cause: unknown) => {
    throw new QuorateError('MODULE_NOT_LOADED', `--run ${path} does not load: ${importFault(cause, href)}`, {
      cause,
    });
  });
  const { run, check } = module as Readonly<Record<string, unknown>>;
  if (typeof run !== 'function') {
    throw new QuorateError('MODULE_NOT_LOADED', `--run ${path}: export a function named \`run\`.`);
  }
  if (typeof check === 'function') await coded(async () => check(args));
  return (context) => call(run as Run, context);
}

/** What it throws when it is told to stop is no failure. */
async function call(run: Run, context: RunContext): Promise<void> {
  try {
    await coded(async () => run(context));
  } catch (error) {
    if (!context.signal.aborted) throw error;
  } finally {
    context.terminal.status('');
  }
}

async function coded(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new QuorateError('RUN_FAILED', message, { cause: error });
  }
}
