// I/O inside a turn throws: files, network, processes, threads, timers, and what only this host could say. The functions of
// Node's modules are wrapped in place, so that `import { readFileSync } from 'node:fs'` meets the guard as well
// (syncBuiltinESMExports in purity.ts). What a turn begins with `await` or `.then` continues after it, outside the guard.
import childProcess from 'node:child_process';
import nodeCrypto from 'node:crypto';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import module from 'node:module';
import net from 'node:net';
import os from 'node:os';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import tls from 'node:tls';
import workerThreads from 'node:worker_threads';
import type { TurnWindow } from './turn-window.ts';

type Wrapped = Record<string, unknown>;

/** Imported, it would be asked for all its exports, and one of them loads undici: a third of what a thread takes to start. */
const http = process.getBuiltinModule('node:http');

const MODULES: Readonly<Record<string, object>> = {
  fs,
  'fs.promises': fs.promises,
  child_process: childProcess,
  dgram,
  dns,
  http,
  http2,
  https,
  net,
  os,
  timers,
  'timers/promises': timersPromises,
  tls,
};

/** Nothing asynchronous may begin in a turn, because it would end outside it. process.nextTick stays: console.log needs it. */
const GLOBALS = ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'] as const;

/** Functions to guard in objects whose other functions are harmless. */
const FUNCTIONS: readonly (readonly [string, object, readonly string[]])[] = [
  ['AbortSignal', AbortSignal, ['timeout']],
  ['crypto', nodeCrypto, ['generateKey', 'generateKeyPair', 'generatePrime', 'randomFill', 'randomUUIDv7']],
  ['crypto', nodeCrypto, ['generateKeySync', 'generateKeyPairSync', 'generatePrimeSync']],
  ['module', module, ['createRequire']],
  [
    'performance',
    Object.getPrototypeOf(performance) as object,
    ['eventLoopUtilization', 'mark', 'measure', 'toJSON'],
  ],
  ['process', process, ['chdir', 'kill', 'loadEnvFile', 'umask', 'uptime']],
  ['process', process, ['availableMemory', 'constrainedMemory', 'cpuUsage', 'memoryUsage', 'resourceUsage']],
  ['scheduler', Object.getPrototypeOf(timersPromises.scheduler) as object, ['wait', 'yield']],
];

/** Classes whose instances do I/O by themselves, some of them after the turn. */
const CLASSES: readonly (readonly [string, object, readonly string[]])[] = [
  ['', globalThis, ['BroadcastChannel', 'EventSource']],
  ['child_process.', childProcess, ['ChildProcess']],
  ['dgram.', dgram, ['Socket']],
  ['dns.', dns, ['Resolver']],
  ['fs.', fs, ['FileReadStream', 'FileWriteStream', 'ReadStream', 'WriteStream']],
  ['http.', http, ['ClientRequest', 'Server']],
  ['https.', https, ['Server']],
  ['net.', net, ['Server', 'Socket', 'Stream']],
  // By import it would be known to ESM before it is wrapped, and syncBuiltinESMExports leaves `node:`-only modules out.
  ['sqlite.', process.getBuiltinModule('node:sqlite'), ['DatabaseSync']],
  ['tls.', tls, ['Server', 'TLSSocket']],
  ['worker_threads.', workerThreads, ['BroadcastChannel', 'Worker']],
];

export function guardIo(turn: TurnWindow): void {
  for (const name of GLOBALS) wrap(turn, globalThis, name, name);
  for (const [label, owner] of Object.entries(MODULES)) {
    for (const key of Object.keys(owner)) wrap(turn, owner as Wrapped, key, `${label}.${key}`);
  }
  for (const [label, owner, keys] of FUNCTIONS) {
    for (const key of keys) wrap(turn, owner as Wrapped, key, `${label}.${key}`);
  }
  for (const [label, owner, keys] of CLASSES) {
    for (const key of keys) wrapClass(turn, owner as Wrapped, key, `${label}${key}`);
  }
  guardWebSocket(turn);
}

/** Node makes this class, and loads undici for it, when it is first read: so do we. Described or replaced, it is read as well. */
function guardWebSocket(turn: TurnWindow): void {
  const lazy = Object.getOwnPropertyDescriptor(http, 'WebSocket');
  if (lazy?.get === undefined || !Reflect.deleteProperty(globalThis, 'WebSocket')) return;
  let wrapped: unknown;
  const get = (): unknown => (wrapped ??= guardClass(turn, lazy.get?.call(http) as object, 'WebSocket'));
  const set = (value: unknown): void => {
    Object.defineProperty(globalThis, 'WebSocket', { value, writable: true, enumerable: false });
  };
  Object.defineProperty(globalThis, 'WebSocket', { get, set, configurable: true, enumerable: false });
  Object.defineProperty(http, 'WebSocket', { get, configurable: true, enumerable: true });
}

function wrapClass(turn: TurnWindow, owner: Wrapped, key: string, label: string): void {
  const original = owner[key];
  if (typeof original === 'function') owner[key] = guardClass(turn, original, label);
}

function guardClass<T extends object>(turn: TurnWindow, original: T, label: string): T {
  return new Proxy(original, {
    construct(target, args, newTarget) {
      turn.forbid(`new ${label}`);
      return Reflect.construct(target as NewableFunction, args, newTarget) as object;
    },
    // Some classes of Node are functions that work without `new`.
    apply(target, self, args) {
      turn.forbid(label);
      return Reflect.apply(target as (...all: unknown[]) => unknown, self, args);
    },
  });
}

/** Getters stay; classes are wrapped by name. */
function wrap(turn: TurnWindow, owner: Wrapped, key: string, label: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  const original: unknown = descriptor?.value;
  if (typeof original !== 'function' || descriptor?.writable !== true || isClass(key) || isHarmless(key))
    return;
  owner[key] = new Proxy(original, {
    apply(target, self, args) {
      turn.forbid(label);
      return Reflect.apply(target as (...all: unknown[]) => unknown, self, args);
    },
  });
}

function isClass(key: string): boolean {
  return /^[A-Z]/.test(key);
}

function isHarmless(key: string): boolean {
  return key.startsWith('clear') || key.startsWith('is') || key.startsWith('validate') || key.startsWith('_');
}
