// Actors inside an HTTP service of one's own: the host of machines and agents lives and stops with the server.
import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import { createRuntime, defineConfig, defineMachine, type LocalRuntime, QuorateError } from 'quorate';
import type { Order, order } from './order.machine.ts';

const machine = { module: new URL('./order.machine.ts', import.meta.url), export: 'order', version: '1' };

const config = defineConfig({
  machines: { order: defineMachine<typeof order>(machine) },
  agents: {
    // The key is the same for every attempt: give it to the payment provider.
    charge: { run: ({ item }: Order, { key }) => ({ receipt: `${item}:${key.slice(0, 8)}` }) },
  },
});

type Settings = { readonly data?: string; readonly port?: number };

/** Fields of `settings` win over the configuration; the environment wins over both. */
export async function createService(settings: Settings = {}): Promise<FastifyInstance> {
  const runtime = await createRuntime({ ...config, ...settings });
  const { client } = runtime as LocalRuntime<typeof config>;
  const app = Fastify();
  app.addHook('onClose', () => runtime.stop());
  app.setErrorHandler((error, _request, reply) => {
    const code = error instanceof QuorateError ? error.code : 'INTERNAL';
    return reply.code(code === 'ACTOR_NOT_FOUND' ? 404 : 500).send({ code });
  });

  app.get('/readyz', (_request, reply) => {
    const health = runtime.health();
    return reply.code(health.ready ? 200 : 503).send(health);
  });
  app.put<{ Params: { id: string }; Body: Order }>('/orders/:id', async ({ params: { id }, body }, reply) => {
    const { answer } = await client.start('order', { id, input: body });
    return reply.code(answer === 'started' ? 201 : 200).send({ answer });
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
  return app;
}
