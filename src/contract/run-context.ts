// What `quorate start --run` gives to its module: the application that has just become ready, and the terminal that they share.
import type { QuorateConfig } from './config.ts';
import type { Runtime } from './runtime.ts';

/**
 * The argument of the module's export `run`. What `run` throws is printed as an error, with its `code` if it has one. A
 * module may also export `check(args)`, which is called before anything is started: an error of that ends the command.
 */
export interface RunContext<C extends QuorateConfig = QuorateConfig> {
  readonly runtime: Runtime<C>;
  /** What follows the module on the command line. */
  readonly args: readonly string[];
  /** Aborts when the process is told to stop; what is awaited then should end. */
  readonly signal: AbortSignal;
  readonly terminal: RunTerminal;
}

/** Standard output, which progress, results and the lines of the start share. */
export interface RunTerminal {
  /** Whether `status` shows anything. */
  readonly interactive: boolean;
  /** A line that stays. */
  line(text: string): void;
  /** A line that stays, its label in the column of the start's labels. */
  row(label: string, text: string): void;
  /** Redrawn in place, and kept apart from the log. Nothing where lines cannot be redrawn; '' takes it away. */
  status(text: string): void;
}
