import { createService } from './service.ts';

const app = await createService();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close());
console.log(await app.listen({ port: Number(process.env['PORT'] ?? 3000) }));
