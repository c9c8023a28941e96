// The smallest AMQP message that the broker keeps as it is: an id, perhaps a session and a time to live, and a text as its body.

const NULL = 0x40;
/** Properties between the message id and the group id. */
const FIELDS_BETWEEN = 9;

export function encodedMessage(text: string, session?: string, ttlMs?: number): Buffer {
  const group = session === undefined ? [] : [Buffer.alloc(FIELDS_BETWEEN, NULL), utf8(session)];
  const properties = Buffer.concat([utf8(text), ...group]);
  const count = session === undefined ? 1 : FIELDS_BETWEEN + 2;
  return Buffer.concat([
    ttlMs === undefined ? Buffer.alloc(0) : header(ttlMs),
    Buffer.from([0x00, 0x53, 0x73, 0xc0, properties.length + 1, count]),
    properties,
    Buffer.from([0x00, 0x53, 0x77]),
    utf8(text),
  ]);
}

function header(ttlMs: number): Buffer {
  const bytes = Buffer.from([0x00, 0x53, 0x70, 0xc0, 8, 3, NULL, NULL, 0x70, 0, 0, 0, 0]);
  bytes.writeUInt32BE(ttlMs, bytes.length - 4);
  return bytes;
}

function utf8(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0xa1, bytes.length]), bytes]);
}
