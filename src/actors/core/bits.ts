// The bit set of a gather: one bit a branch, decoded once a batch (I12), base64 in the state.

/** Arguments of one call: far below what an engine's stack holds. */
const CHUNK = 4_096;

export function emptyBits(size: number): Uint8Array {
  return new Uint8Array(Math.ceil(size / 8));
}

export function hasBit(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

export function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
}

export function clearBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) & ~(1 << (index & 7));
}

export function encodeBits(bits: Uint8Array): string {
  let binary = '';
  for (let from = 0; from < bits.length; from += CHUNK) {
    binary += String.fromCharCode(...bits.subarray(from, from + CHUNK));
  }
  return btoa(binary);
}

export function decodeBits(text: string): Uint8Array {
  const binary = atob(text);
  const bits = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bits[i] = binary.charCodeAt(i);
  return bits;
}
