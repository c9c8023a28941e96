// A model in a process of its own, which counts what it was asked and what it would bill: one token a millisecond of work, until
// the caller has its answer or has gone. `POST /?ms=N` works for N ms; `GET /` gives the calls that have ended since the last time.
import { createServer } from 'node:http';

/** Times in ms of the wall clock. It ends with its answer, or when its caller has gone. */
export interface Call {
  readonly begunAt: number;
  readonly endedAt: number;
  readonly aborted: boolean;
}

export interface Account {
  readonly running: number;
  readonly ended: readonly Call[];
}

let running = 0;
let ended: Call[] = [];

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ running, ended } satisfies Account));
    ended = [];
    return;
  }
  const ms = Number(new URL(request.url ?? '/', 'http://model').searchParams.get('ms'));
  const begunAt = Date.now();
  running++;
  let open = true;
  const end = (aborted: boolean): void => {
    if (!open) return;
    open = false;
    running--;
    clearTimeout(work);
    ended.push({ begunAt, endedAt: Date.now(), aborted });
  };
  const work = setTimeout(() => {
    end(false);
    response.end('{}');
  }, ms);
  response.once('close', () => end(true));
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') process.send?.(address?.port);
});
// Its bench has ended.
process.once('disconnect', () => process.exit());
