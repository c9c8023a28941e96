// The compression that is built in. Brotli: of what Node 24 calls stable it packs JSON best in the time that gzip takes
// (zstd is still experimental there).
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { PayloadCodec } from '../contract/payload.ts';

/** About gzip's default in time; 11, Node's own default, takes twenty times as long. */
const QUALITY = 4;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

export const brotli: PayloadCodec = {
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
