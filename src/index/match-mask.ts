// The rows that a filter lets a search answer with, as bits by position: what crosses threads. Runs on any thread.
//
// | bytes                                    | content                                            |
// |------------------------------------------|----------------------------------------------------|
// | 0 to slots / 8                           | one bit a slot: 1 = matches                        |
// | from `pendingOffset(slots)`, pending / 8 | one bit a pending row, from a multiple of 64 bytes |

import { wholeLines } from './allocate-memory.js';

export interface MatchMask {
  /** Unique in the process: threads keep what they have made of the last one. */
  key: number;
  bits: SharedArrayBuffer;
  /** Pending rows that were looked at; of later ones nothing is known. */
  pendingCount: number;
  /** Bits that are set; some of the rows may have died since. */
  matches: number;
}

/** Where the bits of the pending rows begin. */
export function pendingOffset(slots: number): number {
  return wholeLines(Math.ceil(slots / 8));
}

export function maskBytes(slots: number, pendingCount: number): number {
  return pendingOffset(slots) + Math.ceil(pendingCount / 8);
}

/** The mask of listed slots and pending rows, these counted from the generation's first; none is listed twice. */
export function maskOf(
  key: number,
  { slots, pending }: { slots: Uint32Array; pending: Uint32Array },
  size: { slots: number; pendingCount: number },
): MatchMask {
  const bits = new SharedArrayBuffer(maskBytes(size.slots, size.pendingCount));
  setBits(new Uint8Array(bits), slots);
  setBits(new Uint8Array(bits, pendingOffset(size.slots)), pending);
  return { key, bits, pendingCount: size.pendingCount, matches: slots.length + pending.length };
}

function setBits(bytes: Uint8Array, numbers: Uint32Array): void {
  for (let i = 0; i < numbers.length; i++) {
    const bit = numbers[i] as number;
    bytes[bit >>> 3] = (bytes[bit >>> 3] as number) | (1 << (bit & 7));
  }
}
