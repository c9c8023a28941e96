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
  if (isBroker() || isHost()) giveMemoryBack();
  keepHeapSmall();
  import('../dist/src/cli/main.js').catch(function (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || String(error.url).indexOf('/dist/src/cli/main.js') < 0)
      throw error;
    fail('NOT_BUILT', 'dist is missing.', 'Run `npm run build`.');
  });
}

function isBroker() {
  return process.argv[2] === 'broker';
}

function isHost() {
  return process.argv[2] === 'start';
}

/**
 * Left alone, each thread keeps up to 100 MB for short-lived garbage and collects the rest only when it has grown fourfold:
 * a review of 2,000 files took 600 MB instead of 420 (docs/laboratory/performance.md). V8 reads both when it next collects.
 */
function keepHeapSmall() {
  var broker = isBroker();
  var v8 = process.getBuiltinModule('node:v8');
  v8.setFlagsFromString('--semi-space-growth-factor=1');
  v8.setFlagsFromString('--heap-growing-percent=' + (broker ? 50 : isHost() ? 30 : 100));
  if (!broker) return;
  // What a flood leaves behind is collected sooner.
  v8.setFlagsFromString('--initial-old-space-size=32');
  // Of its thread, which is made later. Four megabytes instead of one: a tenth less processor time under load.
  v8.setFlagsFromString('--min-semi-space-size=4');
}

/**
 * glibc keeps most of what was freed, and the more the larger it was: a broker that was flooded once stayed at 420 MB, now at
 * 260; a host with 1,000 active actors takes 20 MB less. It reads its settings when a process begins, so this one begins anew,
 * under the same number. Not where a parent talks to it over a channel, which would be lost.
 */
function giveMemoryBack() {
  var env = process.env;
  if (process.platform !== 'linux' || !process.execve || process.channel || env.MALLOC_MMAP_THRESHOLD_)
    return;
  var settings = { MALLOC_MMAP_THRESHOLD_: '32768', MALLOC_TRIM_THRESHOLD_: '131072' };
  var args = [process.execPath].concat(process.execArgv, process.argv.slice(1));
  process.execve(process.execPath, args, Object.assign({}, env, settings));
}

function fail(code, message, hint) {
  console.error('error ' + code + ': ' + message + '\n  ' + hint);
  process.exitCode = EXIT_FAILED;
}
