// The format of a stored payload: one line that names what was done to the bytes, in order, then the bytes. A reader
// undoes it from the names alone, whatever is configured now.
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { QuorateError, toErrorJson } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { PayloadCodec } from '../contract/payload.ts';

const MAGIC = 'quorate-payload/1';
const NEWLINE = 10;
/** Magic and names of a handful of codecs. */
const MAX_HEADER_BYTES = 512;
const UTF8 = new TextEncoder();
const TEXT = new TextDecoder();
/** Names are plain ASCII. */
const ASCII = new TextDecoder('latin1');

interface PackingOptions {
  readonly compress: boolean;
  /** The user's own, applied in this order after compression. */
  readonly codecs: readonly PayloadCodec[];
}

export interface Packing {
  pack(bytes: Uint8Array): Promise<Uint8Array>;
  unpack(stored: Uint8Array): Promise<Uint8Array>;
}

/** Below this a payload is not worth the time that compression takes. */
const MIN_COMPRESSED_BYTES = 1_024;

export function createPacking({ compress, codecs }: PackingOptions): Packing {
  const known = new Map([brotli, ...codecs].map((codec) => [codec.name, codec]));
  return {
    pack: async (bytes) => {
      const steps = compress && bytes.length >= MIN_COMPRESSED_BYTES ? [brotli, ...codecs] : codecs;
      let packed = bytes;
      for (const codec of steps) packed = await codec.encode(packed);
      const names = steps.map(({ name }) => ` ${name}`).join('');
      return Buffer.concat([UTF8.encode(`${MAGIC}${names}\n`), packed]);
    },
    unpack: async (stored) => {
      const end = stored.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
      const [magic, ...names] = ASCII.decode(stored.subarray(0, Math.max(0, end))).split(' ');
      if (magic !== MAGIC) throw unreadable('it does not begin as a payload of Quorate does');
      let bytes = stored.subarray(end + 1);
      for (const name of names.toReversed()) bytes = await undo(known.get(name), name, bytes);
      return bytes;
    },
  };
}

async function undo(codec: PayloadCodec | undefined, name: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (codec === undefined) throw unreadable(`no codec '${name}' is configured`);
  try {
    return await codec.decode(bytes);
  } catch (thrown) {
    throw unreadable(`codec '${name}': ${toErrorJson(thrown, 'INTERNAL').message}`);
  }
}

function unreadable(why: string): QuorateError {
  return new QuorateError('PAYLOAD_UNREADABLE', `a stored payload cannot be read: ${why}`);
}

export function packJson(packing: Packing, value: Json): Promise<Uint8Array> {
  return packing.pack(UTF8.encode(JSON.stringify(value)));
}

export async function unpackJson(packing: Packing, stored: Uint8Array): Promise<Json> {
  return JSON.parse(TEXT.decode(await packing.unpack(stored))) as Json;
}

// The compression that is built in. Brotli: of what Node 24 calls stable it packs JSON best in the time that gzip takes
// (zstd is still experimental there).

/** About gzip's default in time; 11, Node's own default, takes twenty times as long. */
const QUALITY = 4;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

const brotli: PayloadCodec = {
  name: 'br',
  encode: (bytes) =>
    compress(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  decode: (bytes) => decompress(bytes),
};
