/** Runs the broker as a library and prints every module that was loaded for it. */
import { registerHooks } from 'node:module';

const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});

const { createBroker } = await import('../../src/index.ts');
const broker = await createBroker({ data: { memory: true }, port: 0, tls: true });
await (await fetch(`http://127.0.0.1:${broker.port}/health`)).text();
await broker.stop();
process.stdout.write(JSON.stringify(loaded));
