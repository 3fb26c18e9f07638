// Sign codes, row by row, and their Hamming distance.

import { LEAF_BYTES, leafBlocks, leafCount, leafFirstPosition, leafIsDead } from './leaf';
import { push, threshold } from './select';

export function signCode(vector: usize, dim: u32, out: usize): void {
  const zero = f32x4.splat(0);
  const bytes = dim >> 3;
  for (let i: u32 = 0; i < bytes; i++) {
    const at = vector + (i << 5);
    const low = i32x4.bitmask(f32x4.gt(v128.load(at), zero));
    const high = i32x4.bitmask(f32x4.gt(v128.load(at, 16), zero));
    store<u8>(out + i, <u8>(low | (high << 4)));
  }
  const end = (bytes + 15) & ~15;
  for (let i = bytes; i < end; i++) store<u8>(out + i, 0);
}

export function scanHamming(query: usize, words: u32, leaves: usize, leafTotal: u32, buffer: usize): u32 {
  const bytes = words << 4;
  let scanned: u32 = 0;
  for (let l: u32 = 0; l < leafTotal; l++) {
    const leaf = leaves + l * LEAF_BYTES;
    const count = leafCount(leaf);
    let code = leafBlocks(leaf);
    for (let i: u32 = 0; i < count; i++) {
      if (leafIsDead(leaf, i)) {
        code += bytes;
        continue;
      }
      scanned++;
      // 64-bit counts: engines have one instruction for them, and none for the counts of bytes.
      let even: u64 = 0;
      let odd: u64 = 0;
      for (let at: u32 = 0; at < bytes; at += 16) {
        even += popcnt(load<u64>(query + at) ^ load<u64>(code));
        odd += popcnt(load<u64>(query + at, 8) ^ load<u64>(code, 8));
        code += 16;
      }
      const estimate = <f32>(<i32>(even + odd));
      if (estimate < threshold(buffer)) push(buffer, estimate, leafFirstPosition(leaf) + i, 0, 0);
    }
  }
  return scanned;
}
