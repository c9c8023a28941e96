// Actors inside an HTTP service of one's own: the host of machines and agents lives and stops with the server.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import {
  createRuntime,
  defineConfig,
  defineMachine,
  type LocalRuntime,
  QuorateError,
  type StreamItem,
} from 'quorate';
import type { Order, order } from './order.machine.ts';

const machine = { module: new URL('./order.machine.ts', import.meta.url), export: 'order', version: '1' };

const config = defineConfig({
  machines: { order: defineMachine<typeof order>(machine) },
  agents: {
    // The key is the same for every attempt: give it to the payment provider.
    charge: {
      run: ({ item }: Order, { key, stream }) => {
        stream(`asking the bank for ${item}`);
        const receipt = `${item}:${key.slice(0, 8)}`;
        stream('paid');
        return { receipt };
      },
    },
  },
});

type Settings = { readonly data?: string; readonly port?: number };

/** Who placed an order may read along for so long; then it takes a new ticket. */
const TICKET_MS = 3_600_000;

/** Fields of `settings` win over the configuration; the environment wins over both. */
export async function createService(settings: Settings = {}): Promise<FastifyInstance> {
  const runtime = await createRuntime({ ...config, ...settings });
  const { client } = runtime as LocalRuntime<typeof config>;
  const app = Fastify();
  const tickets = createTickets();
  app.addHook('onClose', () => runtime.stop());
  app.setErrorHandler((error, _request, reply) => {
    const code = error instanceof QuorateError ? error.code : 'INTERNAL';
    return reply.code(STATUS[code] ?? 500).send({ code });
  });

  app.get('/readyz', (_request, reply) => {
    const health = runtime.health();
    return reply.code(health.ready ? 200 : 503).send(health);
  });
  app.put<{ Params: { id: string }; Body: Order }>('/orders/:id', async ({ params: { id }, body }, reply) => {
    const { answer } = await client.start('order', { id, input: body });
    // Your own authentication stands before this route. Its caller may read along: a browser's EventSource sends no header of ours.
    return reply.code(answer === 'started' ? 201 : 200).send({ answer, ticket: tickets.issue(id) });
  });
  app.get<{ Params: { id: string } }>('/orders/:id', async ({ params: { id } }) => {
    const { value, context } = await client.query('order', id);
    return { value, receipt: context.receipt };
  });
  app.post<{ Params: { id: string } }>('/orders/:id/shipped', async ({ params: { id } }, reply) => {
    await client.send('order', id, { type: 'shipped' });
    return reply.code(202).send();
  });
  app.delete<{ Params: { id: string } }>('/orders/:id', async ({ params: { id } }) => ({
    answer: await client.cancel('order', id),
  }));
  // Server-sent events: a line for every transition, until the order ends.
  app.get<{ Params: { id: string } }>('/orders/:id/transitions', ({ params: { id } }, reply) => {
    const lines = async function* () {
      for await (const transition of client.watch('order', id))
        yield `data: ${JSON.stringify(transition)}\n\n`;
    };
    return reply.type('text/event-stream').send(Readable.from(lines()));
  });
  // What the agents of an order stream. A browser that was away comes back with the id that it had last, and misses nothing.
  app.get<{ Params: { id: string }; Querystring: { ticket?: string } }>(
    '/orders/:id/stream',
    {
      preHandler: async ({ params: { id }, query: { ticket } }, reply) => {
        if (!tickets.isGood(id, ticket)) await reply.code(403).send({ code: 'FORBIDDEN' });
      },
    },
    async ({ params: { id }, headers }, reply) => {
      const from = headers['last-event-id'];
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const items = client.stream('order', id, {
        signal: gone.signal,
        ...(typeof from === 'string' ? { from } : {}),
      });
      // Who asks for an order that is not there, or with an id that is none, gets a status: nothing is sent before this.
      const first = await items.next();
      return reply
        .type('text/event-stream')
        .header('cache-control', 'no-store')
        .send(Readable.from(toEvents(first, items)));
    },
  );
  return app;
}

const STATUS: Readonly<Record<string, number>> = { ACTOR_NOT_FOUND: 404, INPUT_INVALID: 400 };

async function* toEvents(
  first: IteratorResult<StreamItem, void>,
  rest: AsyncGenerator<StreamItem, void>,
): AsyncGenerator<string> {
  for (let next = first; next.done !== true; next = await rest.next()) {
    const { offset, ...item } = next.value;
    yield `id: ${offset}\nevent: ${item.kind}\ndata: ${JSON.stringify(item)}\n\n`;
  }
  // A page closes its EventSource here; one that ends without a word is opened again.
  yield 'event: end\ndata: {}\n\n';
}

/** A ticket names its order and its end, and only this service can write one. Several processes share their key. */
function createTickets(key = randomBytes(32)) {
  const sign = (id: string, until: string) => createHmac('sha256', key).update(`${until} ${id}`).digest();
  return {
    issue: (id: string): string => {
      const until = String(Date.now() + TICKET_MS);
      return `${until}.${sign(id, until).toString('base64url')}`;
    },
    isGood: (id: string, ticket = ''): boolean => {
      const [until = '', mac = ''] = ticket.split('.');
      const [given, own] = [Buffer.from(mac, 'base64url'), sign(id, until)];
      return given.length === own.length && timingSafeEqual(given, own) && Number(until) > Date.now();
    },
  };
}
