// What JSON would lose or change without a word, each with where it lies and what is said of it: one table for every border.
class Money {
  amount = 1;
}

function circle(): object {
  const value: { list: unknown[] } = { list: [] };
  value.list.push(value);
  return value;
}

export interface NoJson {
  readonly name: string;
  readonly make: () => unknown;
  /** After the name of the value: `input` + `.at is a Date`. */
  readonly fault: string;
}

export const NO_JSON: readonly NoJson[] = [
  { name: 'a date', make: () => ({ at: new Date(0) }), fault: '.at is a Date' },
  { name: 'a map', make: () => ({ a: [{ m: new Map([[1, 2]]) }] }), fault: '.a[0].m is a Map' },
  { name: 'a set', make: () => ({ s: new Set([1]) }), fault: '.s is a Set' },
  { name: 'an error', make: () => ({ e: new TypeError('x') }), fault: '.e is an Error (TypeError)' },
  { name: 'an instance', make: () => ({ price: new Money() }), fault: '.price is an instance of Money' },
  { name: 'bytes', make: () => ({ raw: new Uint8Array(2) }), fault: '.raw is an instance of Uint8Array' },
  { name: 'a buffer', make: () => ({ raw: Buffer.from('x') }), fault: '.raw is an instance of Buffer' },
  { name: 'a promise', make: () => ({ p: Promise.resolve(1) }), fault: '.p is a Promise; await it' },
  { name: 'a function', make: () => ({ f: () => 1 }), fault: '.f is a function' },
  { name: 'a BigInt', make: () => ({ n: 1n }), fault: '.n is a BigInt' },
  { name: 'a symbol', make: () => ({ s: Symbol('s') }), fault: '.s is a symbol' },
  { name: 'NaN', make: () => ({ score: Number.NaN }), fault: '.score is NaN' },
  { name: 'infinity', make: () => ({ min: -Infinity }), fault: '.min is -Infinity' },
  { name: 'undefined in a list', make: () => ({ list: [1, undefined] }), fault: '.list[1] is undefined' },
  // oxlint-disable-next-line no-sparse-arrays -- what is tested
  { name: 'a hole', make: () => ({ list: [1, , 2] }), fault: '.list[1] is undefined' },
  { name: 'a circle', make: circle, fault: '.list[0] is circular' },
];
