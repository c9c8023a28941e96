// A codec that encrypts payloads with AES-256-GCM: `payloadCodecs: [aes(process.env.PAYLOAD_KEY)]`, the key 32 bytes in base64
// (`openssl rand -base64 32`). Session states and messages that are small enough never pass through a codec.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { PayloadCodec } from 'quorate';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
/** What GCM is made for; drawn anew for each payload. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function aes(base64Key: string | undefined): PayloadCodec {
  const key = Buffer.from(base64Key ?? '', 'base64');
  // The key itself has no place in a message.
  if (key.length !== KEY_BYTES)
    throw new RangeError(`the payload key must have ${KEY_BYTES} bytes in base64`);
  return {
    name: ALGORITHM,
    encode: (bytes) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, nonce);
      const sealed = Buffer.concat([cipher.update(bytes), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    decode: (bytes) => {
      const stored = Buffer.from(bytes);
      const decipher = createDecipheriv(ALGORITHM, key, stored.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAuthTag(stored.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([decipher.update(stored.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    },
  };
}
