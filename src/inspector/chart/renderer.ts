// Charts on demand, each definition laid out once. The drawing thread is started by the first chart.
import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ChartAnswer, ChartRequest } from './chart-model.ts';

export interface ChartRenderer {
  /** SVG of a machine's definition; of a note saying why, when it cannot be drawn. */
  readonly render: (definition: unknown) => Promise<string>;
  close(): Promise<void>;
}

/** Machine types times the versions seen since the start; a chart is some 20 KB. */
const MAX_CACHED = 200;

export function createChartRenderer(): ChartRenderer {
  const cache = new Map<string, Promise<string>>();
  const waiting = new Map<number, (answer: ChartAnswer) => void>();
  let worker: Worker | undefined;
  let nextId = 0;

  const failAll = (reason: string): void => {
    worker = undefined;
    for (const [id, resolve] of waiting) resolve({ id, error: reason });
    waiting.clear();
  };
  const start = (): Worker => {
    // The same file is .ts in development and .js once built.
    const started = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url));
    started.unref();
    started.on('message', (answer: ChartAnswer) => {
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    });
    started.on('error', (failure) => failAll(String(failure)));
    started.on('exit', () => failAll('the drawing thread has ended'));
    return started;
  };
  const draw = async (definition: object): Promise<string> => {
    nextId += 1;
    const id = nextId;
    const answer = await new Promise<ChartAnswer>((resolve) => {
      waiting.set(id, resolve);
      worker ??= start();
      const request: ChartRequest = { id, definition };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(request);
    });
    return 'svg' in answer ? answer.svg : note(answer.error);
  };

  return {
    render(definition) {
      if (typeof definition !== 'object' || definition === null) {
        return Promise.resolve(note('it has no definition'));
      }
      const key = createHash('sha256').update(JSON.stringify(definition)).digest('base64');
      const drawn = cache.get(key) ?? draw(definition);
      cache.set(key, drawn);
      for (const oldest of cache.keys()) {
        if (cache.size <= MAX_CACHED) break;
        cache.delete(oldest);
      }
      return drawn;
    },
    async close() {
      await worker?.terminate();
    },
  };
}

function note(reason: string): string {
  const text = `This machine cannot be drawn: ${reason}`.replace(/[^\w .,:;'()/#-]/g, ' ').slice(0, 200);
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="720" height="40" viewBox="0 0 720 40"><text x="8" y="24" font-size="13" font-family="sans-serif" fill="#888">${text}</text></svg>`;
}
