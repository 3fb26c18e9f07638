// Masks of excluded vectors: one bit each, set where a search leaves the vector out. A filter's mask has the shape of the
// tombstones, so that scans read either.

import { LEAF_BYTES, leafCount, leafFirstPosition } from './leaf';

export function excludeUnmatched(mask: usize, tombstones: usize, bytes: u32): void {
  let at: u32 = 0;
  for (; at + 16 <= bytes; at += 16) {
    const unmatched = v128.not(v128.load(mask + at));
    v128.store(mask + at, v128.or(unmatched, v128.load(tombstones + at)));
  }
  for (; at < bytes; at++) store<u8>(mask + at, ~load<u8>(mask + at) | load<u8>(tombstones + at));
}

export function countMatches(leafTable: usize, leaves: u32, mask: usize, counts: usize): u32 {
  let total: u32 = 0;
  for (let l: u32 = 0; l < leaves; l++) {
    const leaf = leafTable + l * LEAF_BYTES;
    const first = leafFirstPosition(leaf);
    const count = countClear(mask, first, first + leafCount(leaf));
    store<u32>(counts + (l << 2), count);
    total += count;
  }
  return total;
}

/** Clear ones of bits [first, end). */
export function countClear(mask: usize, first: u32, end: u32): u32 {
  let count: u32 = 0;
  let bit = first;
  while (bit < end) {
    const bits = clearBits(mask, bit);
    const left = min<u32>(WORD_BITS, end - bit);
    count += <u32>popcnt(bits & (u64.MAX_VALUE >> (64 - left)));
    bit += left;
  }
  return count;
}

export function listClear(mask: usize, first: u32, end: u32, position: u32, out: usize, max: u32): u32 {
  let listed: u32 = 0;
  let bit = first;
  while (bit < end) {
    const left = min<u32>(WORD_BITS, end - bit);
    let bits = clearBits(mask, bit) & (u64.MAX_VALUE >> (64 - left));
    for (; bits != 0; bits &= bits - 1) {
      if (listed == max) return listed;
      store<u32>(out + (listed << 2), position + (bit - first) + <u32>ctz(bits));
      listed++;
    }
    bit += left;
  }
  return listed;
}

/** What one load from any bit on is sure to hold. */
const WORD_BITS: u32 = 56;

@inline
function clearBits(mask: usize, bit: u32): u64 {
  return ~load<u64>(mask + (bit >> 3)) >> (bit & 7);
}
