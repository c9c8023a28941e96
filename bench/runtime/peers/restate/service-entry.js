// The work as Restate services. Arguments: the folder where the SDK is installed, the port to serve at.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, port] = process.argv.slice(2);
// Two lines an invocation would be most of its work.
process.env['RESTATE_LOGGING'] = 'ERROR';
const entry = createRequire(join(folder, 'package.json')).resolve('@restatedev/restate-sdk');
const restate = await import(pathToFileURL(entry).href);
const { object, service, RestatePromise } = restate.default ?? restate;
const SAGA_STEPS = 5;

const unit = service({ name: 'unit', handlers: { run: async () => ({ done: 1 }) } });

const key = object({
  name: 'key',
  handlers: { step: async (ctx) => ctx.run('step', () => 1) },
});

const saga = service({
  name: 'saga',
  handlers: {
    run: async (ctx) => {
      for (let step = 0; step < SAGA_STEPS; step++) await ctx.serviceClient(unit).run(step);
      return SAGA_STEPS;
    },
  },
});

const scatter = service({
  name: 'scatter',
  handlers: {
    run: async (ctx, items) => {
      const answers = await RestatePromise.all(items.map((item) => ctx.serviceClient(unit).run(item)));
      return answers.length;
    },
  },
});

await (restate.default ?? restate).serve({ services: [unit, key, saga, scatter], port: Number(port) });
process.on('message', ({ id }) => process.send?.({ kind: 'done', id, result: null }));
process.on('disconnect', () => process.exit());
