// Loaded with `node --import`: appends the URL of each module that the process loads to the file QUORATE_TEST_LOADED.
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const log = process.env['QUORATE_TEST_LOADED'];
if (isMainThread && log !== undefined) {
  registerHooks({
    load: (url, context, next) => {
      appendFileSync(log, `${url}\n`);
      return next(url, context);
    },
  });
}
