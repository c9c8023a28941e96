// The model server as a program of its own, for benches: its options are its first argument, as JSON. A call of `POST /?ms=N` works for
// N ms. It tells its parent where it listens, and answers each message of it with the calls that have ended since the last one.
import { z } from 'zod';
import { type Call, startModelServer } from './server.ts';

/** What a message of the parent is answered with. */
export interface Account {
  readonly running: number;
  readonly ended: readonly Call[];
}

const options = z.object({
  limit: z
    .object({ windowMs: z.number(), requests: z.number().optional(), tokens: z.number().optional() })
    .optional(),
  /** Output tokens of each answer. */
  outputTokens: z.number().optional(),
  /** So long after its start everything fails with 503, and for so long. */
  outage: z.object({ afterMs: z.number(), forMs: z.number() }).optional(),
});

export type ModelProgramOptions = z.input<typeof options>;

const { limit, outputTokens, outage } = options.parse(JSON.parse(process.argv[2] ?? '{}'));
const startedAt = Date.now();
const server = await startModelServer({
  ...(limit === undefined ? {} : { limit: { windowMs: limit.windowMs, ...present(limit) } }),
  fail: () => (isOut() ? { status: 503, body: { error: { code: 'server_is_overloaded' } } } : undefined),
  work: ({ path }) => ({
    ms: Number(new URL(path, 'http://model').searchParams.get('ms')),
    ...(outputTokens === undefined ? {} : { outputTokens }),
  }),
});
let told = 0;

function isOut(): boolean {
  if (outage === undefined) return false;
  const at = Date.now() - startedAt - outage.afterMs;
  return at >= 0 && at < outage.forMs;
}

function present({ requests, tokens }: { requests?: number | undefined; tokens?: number | undefined }) {
  return { ...(requests === undefined ? {} : { requests }), ...(tokens === undefined ? {} : { tokens }) };
}

process.on('message', () => {
  const ended = server.calls.slice(told);
  told += ended.length;
  process.send?.({ running: server.running, ended } satisfies Account);
});
// Its parent has ended.
process.once('disconnect', () => process.exit());
process.send?.(server.url);
