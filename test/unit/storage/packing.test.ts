import { describe, expect, it } from 'vitest';
import type { PayloadCodec } from '../../../src/contract/payload.ts';
import { createPacking } from '../../../src/storage/packing.ts';

const JSON_TEXT = Buffer.from(
  JSON.stringify(Array.from({ length: 1_000 }, (_, at) => ({ at, text: 'the same' }))),
);
const flip: PayloadCodec = {
  name: 'flip.1',
  encode: (bytes) => bytes.map((byte) => byte ^ 0xff),
  decode: (bytes) => bytes.map((byte) => byte ^ 0xff),
};
const header = (stored: Uint8Array): string | undefined =>
  Buffer.from(stored).toString('latin1').split('\n')[0];

describe('packing', () => {
  it.each([
    ['plain', { compress: false, codecs: [] }, 'quorate-payload/1'],
    ['compressed', { compress: true, codecs: [] }, 'quorate-payload/1 br'],
    ['by a codec of the user', { compress: false, codecs: [flip] }, 'quorate-payload/1 flip.1'],
    ['by both, compression first', { compress: true, codecs: [flip] }, 'quorate-payload/1 br flip.1'],
  ])('%s says how, and gives back the same bytes', async (_name, options, first) => {
    const packing = createPacking(options);
    const stored = await packing.pack(JSON_TEXT);
    expect(header(stored)).toBe(first);
    expect(Buffer.from(await packing.unpack(stored))).toEqual(JSON_TEXT);
    if (options.compress) expect(stored.length).toBeLessThan(JSON_TEXT.length / 4);
  });

  it('reads what was packed otherwise than it packs now', async () => {
    const stored = await createPacking({ compress: true, codecs: [flip] }).pack(JSON_TEXT);
    const packing = createPacking({ compress: false, codecs: [flip] });
    expect(Buffer.from(await packing.unpack(stored))).toEqual(JSON_TEXT);
  });

  it('does not compress what is small', async () => {
    const packing = createPacking({ compress: true, codecs: [] });
    expect(header(await packing.pack(Buffer.from('{}')))).toBe('quorate-payload/1');
  });

  const broken: PayloadCodec = {
    ...flip,
    decode: () => {
      throw new Error('the key is another');
    },
  };
  it.each([
    ['a codec that is not configured', [], "no codec 'flip.1' is configured"],
    ['a codec that cannot undo it', [broken], "codec 'flip.1': the key is another"],
  ])('says that it cannot read %s', async (_name, codecs, why) => {
    const stored = await createPacking({ compress: false, codecs: [flip] }).pack(JSON_TEXT);
    await expect(createPacking({ compress: true, codecs }).unpack(stored)).rejects.toMatchObject({
      code: 'PAYLOAD_UNREADABLE',
      message: expect.stringContaining(why),
    });
  });

  it.each(['', 'something else', '{"an":"older value"}', 'quorate-payload/2 br\nxx'])(
    'refuses %j',
    async (text) => {
      const packing = createPacking({ compress: true, codecs: [] });
      await expect(packing.unpack(Buffer.from(text))).rejects.toMatchObject({ code: 'PAYLOAD_UNREADABLE' });
    },
  );

  it('refuses damaged bytes', async () => {
    const packing = createPacking({ compress: true, codecs: [] });
    const stored = await packing.pack(JSON_TEXT);
    await expect(packing.unpack(stored.subarray(0, stored.length - 20))).rejects.toMatchObject({
      code: 'PAYLOAD_UNREADABLE',
    });
  });
});
