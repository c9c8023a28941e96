/**
 * Serial numbers (RFC 1982): the ids and counts of AMQP are 32 bits wide, begin anywhere and start over behind the last.
 * Inside, they are numbers that only grow; on the wire, what is left of them in 32 bits.
 */

/** As it goes out. */
export function onWire(number: number): number {
  return number >>> 0;
}

/** Of all numbers that look so on the wire the one that is nearest to a known one. */
export function nearest(wire: number, known: number): number {
  return known + ((wire - known) | 0);
}

/** How far the second lies behind the first. */
export function distance(first: number, last: number): number {
  return (last - first) >>> 0;
}
