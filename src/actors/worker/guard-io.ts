// I/O inside a turn throws: files, network, processes, timers. The functions of Node's modules are wrapped in place, so that
// `import { readFileSync } from 'node:fs'` meets the guard as well (syncBuiltinESMExports in purity.ts).
import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import tls from 'node:tls';
import type { TurnWindow } from './turn-window.ts';

type Wrapped = Record<string, unknown>;

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
  timers,
  'timers/promises': timersPromises,
  tls,
};

/** Nothing asynchronous may be begun: its end would come outside the turn. Not process.nextTick, which console.log needs. */
const GLOBALS = ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'] as const;

export function guardIo(turn: TurnWindow): void {
  for (const name of GLOBALS) wrap(turn, globalThis, name, name);
  for (const [label, module] of Object.entries(MODULES)) {
    for (const key of Object.keys(module)) wrap(turn, module as Wrapped, key, `${label}.${key}`);
  }
}

/** Classes and getters stay: an instance does its I/O through functions that are wrapped. */
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
