// Randomness inside a turn: the same turn draws the same values, whichever thread runs it and however often.
import nodeCrypto from 'node:crypto';
import { type TurnWindow, toUuid } from './turn-window.ts';

export function guardRandom(turn: TurnWindow): void {
  const mathRandom = Math.random;
  Math.random = () => turn.random()?.float() ?? mathRandom();
  guardWebCrypto(turn);
  guardNodeCrypto(turn);
}

type WebCrypto = typeof globalThis.crypto;

function guardWebCrypto(turn: TurnWindow): void {
  const prototype = Object.getPrototypeOf(globalThis.crypto) as WebCrypto;
  const real = {
    getRandomValues: prototype.getRandomValues.bind(globalThis.crypto),
    randomUUID: prototype.randomUUID.bind(globalThis.crypto),
  };
  Object.assign(prototype, {
    getRandomValues(array: ArrayBufferView) {
      const random = turn.random();
      if (random === undefined) return real.getRandomValues(array as never);
      random.draw(bytesOf(array));
      return array;
    },
    randomUUID() {
      const random = turn.random();
      return random === undefined ? real.randomUUID() : toUuid(random);
    },
  });
}

function guardNodeCrypto(turn: TurnWindow): void {
  const { randomUUID, randomBytes, randomInt, randomFillSync } = nodeCrypto;
  Object.assign(nodeCrypto, {
    randomUUID: (options?: { disableEntropyCache?: boolean }) => {
      const random = turn.random();
      return random === undefined ? randomUUID(options) : toUuid(random);
    },
    randomBytes: (...args: Parameters<typeof randomBytes>) => {
      const random = turn.random();
      if (random === undefined) return Reflect.apply(randomBytes, nodeCrypto, args);
      if (typeof args[1] === 'function') turn.forbid('crypto.randomBytes with a callback');
      const bytes = Buffer.alloc(args[0]);
      random.draw(bytes);
      return bytes;
    },
    randomInt: (...args: unknown[]) => {
      const random = turn.random();
      if (random === undefined)
        return Reflect.apply(randomInt, nodeCrypto, args as Parameters<typeof randomInt>);
      if (typeof args.at(-1) === 'function') turn.forbid('crypto.randomInt with a callback');
      const [low, high] = args.length === 1 ? [0, Number(args[0])] : [Number(args[0]), Number(args[1])];
      return low + Math.floor(random.float() * (high - low));
    },
    randomFillSync: (...args: unknown[]) => {
      const random = turn.random();
      if (random === undefined) {
        return Reflect.apply(randomFillSync, nodeCrypto, args as Parameters<typeof randomFillSync>);
      }
      const [target, offset = 0, size] = args as [ArrayBufferView, number?, number?];
      const bytes = bytesOf(target);
      random.draw(bytes.subarray(offset, size === undefined ? undefined : offset + size));
      return target;
    },
  });
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
