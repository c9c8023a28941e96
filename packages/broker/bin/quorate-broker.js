#!/usr/bin/env node
// Plain JavaScript that an old Node can parse: it says in one line what is missing, then hands over to dist.
var EXIT_FAILED = 1;

if (Number(process.versions.node.split('.')[0]) < 24) {
  fail('NODE_TOO_OLD', 'quorate-broker needs Node 24 or newer, this is ' + process.versions.node + '.');
} else {
  if (serves()) giveMemoryBack();
  keepHeapSmall();
  import('../dist/cli/main.js').catch(function (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || String(error.url).indexOf('/dist/cli/main.js') < 0)
      throw error;
    fail('NOT_BUILT', 'dist is missing: run `npm run build`.');
  });
}

function serves() {
  return ['status', 'advance', 'fault'].indexOf(process.argv[2]) < 0;
}

/** V8 would let a hundred megabytes of buffers gather, and keep what a flood leaves (docs/laboratory/performance.md). */
function keepHeapSmall() {
  var v8 = process.getBuiltinModule('node:v8');
  v8.setFlagsFromString('--semi-space-growth-factor=1');
  v8.setFlagsFromString('--heap-growing-percent=50');
  v8.setFlagsFromString('--initial-old-space-size=32');
  // Of its thread, which is made later. Four megabytes instead of one: a tenth less processor time under load.
  v8.setFlagsFromString('--min-semi-space-size=4');
}

/**
 * glibc keeps most of what was freed, and the more the larger it was: a broker that was flooded once stayed at 420 MB, now at
 * 260. It reads its settings when a process begins, so this one begins anew, under the same number. Not where a parent talks
 * to it over a channel, which would be lost.
 */
function giveMemoryBack() {
  var env = process.env;
  if (process.platform !== 'linux' || !process.execve || process.channel || env.MALLOC_MMAP_THRESHOLD_)
    return;
  var settings = { MALLOC_MMAP_THRESHOLD_: '32768', MALLOC_TRIM_THRESHOLD_: '131072' };
  var args = [process.execPath].concat(process.execArgv, process.argv.slice(1));
  process.execve(process.execPath, args, Object.assign({}, env, settings));
}

function fail(code, message) {
  console.error('error ' + code + ': ' + message);
  process.exitCode = EXIT_FAILED;
}
