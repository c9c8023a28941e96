import rhea from 'rhea';

/**
 * One value of every AMQP 1.0 type, as its bytes: docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-types-v1.0-os.html,
 * section 1.6 (primitive types) and 1.3.2 (described types).
 */
export const AMQP_VALUES: Readonly<Record<string, string>> = {
  true: '41',
  falseByByte: '5600',
  ubyte: '50ff',
  ushort: '60ffff',
  uintZero: '43',
  uintSmall: '52ff',
  uint: '70ffffffff',
  ulongZero: '44',
  ulongSmall: '53ff',
  ulong: '80ffffffffffffffff',
  byte: '5180',
  short: '618000',
  intSmall: '5480',
  int: '7180000000',
  longSmall: '5580',
  long: '818000000000000000',
  float: '723f800000',
  double: '823ff8000000000000',
  decimal32: '7422500001',
  decimal64: '842238000000000001',
  decimal128: '9422080000000000000000000000000001',
  char: '730001f600',
  timestamp: '8300000181cd4cdc00',
  uuid: '9800112233445566778899aabbccddeeff',
  binary: 'a003010203',
  text: 'a10474657874',
  symbol: 'a30473796d62',
  /** `com.microsoft:timespan`, a long of ticks, as .NET sends a duration. */
  described: '00a316636f6d2e6d6963726f736f66743a74696d657370616e810000000023c34600',
};

/** The bytes as a value that rhea writes out again as it stands. */
export function amqpValue(hex: string): unknown {
  return new (rhea.types as unknown as { Reader: new (bytes: Buffer) => { read(): unknown } }).Reader(
    Buffer.from(hex, 'hex'),
  ).read();
}

/** Every value of `AMQP_VALUES` by its name. */
export function everyAmqpValue(): Record<string, unknown> {
  return Object.fromEntries(Object.entries(AMQP_VALUES).map(([name, hex]) => [name, amqpValue(hex)]));
}

/** A property's name and value as the encoding has them in a map: a string of less than 256 bytes, then the value. */
export function pairBytes(name: string, hex: string): Buffer {
  return Buffer.concat([
    Buffer.from([0xa1, Buffer.byteLength(name)]),
    Buffer.from(name),
    Buffer.from(hex, 'hex'),
  ]);
}
