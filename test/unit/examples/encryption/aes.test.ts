import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { aes } from '../../../../examples/encryption/aes.ts';
import { createPacking } from '../../../../src/storage/packing.ts';

const newKey = (): string => randomBytes(32).toString('base64');
const SECRET = Buffer.from('the patient is called Ada. '.repeat(200));
const packing = (key: string) => createPacking({ compress: true, codecs: [aes(key)] });

it('gives back what it encrypted, which cannot be seen in what is stored, and differs each time', async () => {
  const key = newKey();
  const stored = await packing(key).pack(SECRET);
  expect(Buffer.from(stored).toString('latin1')).toMatch(/^quorate-payload\/1 br aes-256-gcm\n/);
  const plain = await createPacking({ compress: false, codecs: [aes(key)] }).pack(SECRET);
  expect(Buffer.from(plain).includes('Ada')).toBe(false);
  expect(Buffer.from(await packing(key).unpack(stored))).toEqual(SECRET);
  expect(await packing(key).pack(SECRET)).not.toEqual(stored);
});

it('refuses another key and changed bytes with a code, without a word of the key', async () => {
  const [key, other] = [newKey(), newKey()];
  const stored = await packing(key).pack(SECRET);
  const changed = Buffer.from(stored);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  for (const [reader, bytes] of [
    [other, stored],
    [key, changed],
  ] as const) {
    const error: unknown = await packing(reader)
      .unpack(bytes)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'PAYLOAD_UNREADABLE' });
    expect(String(error)).not.toContain(reader);
  }
});

it.each([undefined, '', 'dG9vIHNob3J0'])('refuses %j as a key', (key) => {
  expect(() => aes(key)).toThrow('must have 32 bytes');
});
