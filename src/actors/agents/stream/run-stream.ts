// The pieces of one attempt until they are stored: checked, numbered, and bounded. What cannot be stored is left out, which its
// reader sees as a gap. Nothing here throws or waits: an agent is not to suffer from who reads it.
import { checkJson } from '../../../contract/border.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { Logger } from '../../../contract/ports.ts';
import type { StreamRun } from '../../../contract/stream.ts';
import { MAX_PIECE_BYTES } from '../../protocol/streams.ts';

/** Of one attempt, until they are stored: what an agent says faster than that is left out. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Beside its value: number and braces. */
const ENTRY_BYTES = 24;

/** An entry as JSON. */
export interface Written {
  readonly text: string;
  readonly bytes: number;
}

export interface RunStreamOptions {
  readonly agent: string;
  readonly run: StreamRun;
  readonly logger: Logger;
  /** There is something to store. */
  readonly onWaiting: () => void;
}

export class RunStream {
  readonly run: StreamRun;
  readonly #options: RunStreamOptions;
  #waiting: Written[] = [];
  #bytes = 0;
  #next = 0;
  /** Pieces that were left out, and not said to be yet. */
  #gap: { readonly n: number; count: number } | undefined;
  #isOpen = false;
  #isClosed = false;
  readonly #said = new Set<string>();

  constructor(options: RunStreamOptions) {
    this.run = options.run;
    this.#options = options;
  }

  /** Whether anything was ever said. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  push(chunk: unknown): void {
    if (this.#isClosed) return;
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#add('{"begin":true}');
    }
    const n = this.#next++;
    const piece = this.#toText(chunk);
    if (piece === undefined) {
      this.#gap ??= { n, count: 0 };
      this.#gap.count++;
      return;
    }
    this.#sayGap();
    this.#add(`{"n":${n},"v":${piece}}`);
    this.#options.onWaiting();
  }

  /** `isLast`: nothing follows of its task. Later pieces are left out. */
  close(isLast: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isOpen) return;
    this.#sayGap();
    if (isLast) this.#add('{"end":true}');
    if (this.hasWaiting) this.#options.onWaiting();
  }

  /** Those that fit, in order; at least one. */
  take(maxBytes: number): readonly Written[] {
    let bytes = 0;
    let count = 0;
    for (const { bytes: more } of this.#waiting) {
      if (count > 0 && bytes + more > maxBytes) break;
      bytes += more;
      count++;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  /** They were not stored. */
  giveBack(taken: readonly Written[]): void {
    this.#waiting = [...taken, ...this.#waiting];
    this.#bytes += taken.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #toText(chunk: unknown): string | undefined {
    const of = `agent '${this.#options.agent}'`;
    try {
      const text =
        typeof chunk === 'string'
          ? JSON.stringify(chunk)
          : JSON.stringify(checkJson(chunk, { of, path: 'stream', code: 'OUTPUT_INVALID' }));
      const bytes = Buffer.byteLength(text);
      if (bytes > MAX_PIECE_BYTES)
        return this.#leaveOut('EFFECT_TOO_LARGE', `${bytes} bytes, at most ${MAX_PIECE_BYTES} are streamed`);
      if (this.#bytes + bytes > MAX_WAITING_BYTES)
        return this.#leaveOut('QUOTA_EXCEEDED', `${MAX_WAITING_BYTES} bytes wait to be stored already`);
      return text;
    } catch (thrown) {
      const { code, message } = toErrorJson(thrown, 'OUTPUT_INVALID');
      return this.#leaveOut(code, message);
    }
  }

  /** Said once for each reason: there may be thousands. */
  #leaveOut(code: string, why: string): undefined {
    const { agent, logger, run } = this.#options;
    if (this.#said.has(code)) return;
    this.#said.add(code);
    logger.warn(`a streamed piece of agent '${agent}' was left out: ${why}`, { code, child: run.child });
  }

  #sayGap(): void {
    if (this.#gap === undefined) return;
    this.#add(`{"n":${this.#gap.n},"gap":${this.#gap.count}}`);
    this.#gap = undefined;
  }

  #add(text: string): void {
    const bytes = Buffer.byteLength(text) + ENTRY_BYTES;
    this.#waiting.push({ text, bytes });
    this.#bytes += bytes;
  }
}
