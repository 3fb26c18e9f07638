// The fields of one leaf to scan; layout.ts gives their meaning. Also the tombstone test that every scan makes.

export const LEAF_BYTES: u32 = 32;

@inline
export function leafBlocks(leaf: usize): usize {
  return load<u32>(leaf);
}

@inline
export function leafCount(leaf: usize): u32 {
  return load<u32>(leaf, 4);
}

@inline
export function leafFirstPosition(leaf: usize): u32 {
  return load<u32>(leaf, 8);
}

@inline
export function leafConstant(leaf: usize): f32 {
  return load<f32>(leaf, 20);
}

@inline
export function leafErrorScale(leaf: usize): f32 {
  return load<f32>(leaf, 24);
}

@inline
export function leafIsDead(leaf: usize, index: u32): bool {
  return isDead(load<u32>(leaf, 12), load<u32>(leaf, 16) + index);
}

/** Bits are numbered from the least significant bit of the first byte. */
@inline
export function isDead(tombstones: usize, bit: u32): bool {
  return ((load<u8>(tombstones + (bit >> 3)) >> (bit & 7)) & 1) != 0;
}
