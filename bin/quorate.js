#!/usr/bin/env node
// Plain JavaScript that an old Node can parse: it says in one line what is missing, then hands over to dist.
var EXIT_FAILED = 1;

if (Number(process.versions.node.split('.')[0]) < 24) {
  fail(
    'NODE_TOO_OLD',
    'Quorate needs Node 24 or newer, this is ' + process.versions.node + '.',
    'Install Node 24 or newer.',
  );
} else {
  import('../dist/src/cli/main.js').catch(function (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || String(error.url).indexOf('/dist/src/cli/main.js') < 0)
      throw error;
    fail('NOT_BUILT', 'dist is missing.', 'Run `npm run build`.');
  });
}

function fail(code, message, hint) {
  console.error('error ' + code + ': ' + message + '\n  ' + hint);
  process.exitCode = EXIT_FAILED;
}
