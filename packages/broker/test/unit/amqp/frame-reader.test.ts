import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader, MAX_FRAME_BYTES } from '../../../src/amqp/frame-reader.ts';
import { frame } from '../../kit/amqp/encode.ts';
import { AMQP_HEADER } from '../../kit/amqp/performatives.ts';

const frames = fc.array(
  fc.integer({ min: 0, max: 3000 }).map((bytes) => frame(1, Buffer.alloc(bytes, 7))),
  { maxLength: 10 },
);
const cuts = fc.array(fc.nat(), { maxLength: 30 });

/** The bytes in pieces, cut where the numbers say. */
function pieces(bytes: Buffer, at: number[]): Buffer[] {
  const places = [...new Set([0, bytes.length, ...at.map((place) => place % (bytes.length + 1))])].sort(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

test('frames come out as they went in, however their bytes arrive', () => {
  fc.assert(
    fc.property(frames, cuts, (sent, at) => {
      const reader = new FrameReader();
      const got: Buffer[] = [];
      let header = true;
      for (const piece of pieces(Buffer.concat([AMQP_HEADER, ...sent]), at)) {
        reader.push(piece);
        for (let next = reader.next(header); next; next = reader.next(header)) {
          got.push(next);
          header = false;
        }
      }
      expect(got).toEqual([AMQP_HEADER, ...sent]);
    }),
  );
});

test('byte by byte, no more is kept than has come', () => {
  const reader = new FrameReader();
  const whole = frame(0, Buffer.alloc(60_000));
  for (let at = 0; at < 2000; at += 1) {
    reader.push(whole.subarray(at, at + 1));
    expect(reader.next(false)).toBeUndefined();
  }
  expect(reader.held).toBeLessThan(5000);
});

test.each([0, 4, 7, MAX_FRAME_BYTES + 1, 0x7fff_ffff])(
  'a frame that claims %i bytes is refused at once',
  (size) => {
    const reader = new FrameReader();
    const head = Buffer.alloc(8);
    head.writeUInt32BE(size);
    reader.push(head.subarray(0, 3));
    expect(reader.next(false)).toBeUndefined();
    reader.push(head.subarray(3));
    expect(() => reader.next(false)).toThrow(/frame of/);
  },
);

test('what was not asked for yet is still there after more has come', () => {
  const reader = new FrameReader();
  const [one, two] = [frame(1, Buffer.alloc(3)), frame(2, Buffer.alloc(4))];
  reader.push(one);
  reader.push(two);
  expect([reader.next(false), reader.next(false), reader.next(false)]).toEqual([one, two, undefined]);
});
