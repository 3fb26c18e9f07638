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

/** Of a leaf to be scanned for a query at this distance from its centroid. */
@inline
export function setLeafQuery(leaf: usize, constant: f32, errorScale: f32): void {
  store<f32>(leaf, constant, 20);
  store<f32>(leaf, errorScale, 24);
}

/** False if none of the leaf's vectors is dead; reads 64 bits at a time, so neighbours' bits can make it true. */
export function leafMayHaveDead(leaf: usize): bool {
  const firstBit = load<u32>(leaf, 16);
  const tombstones: usize = load<u32>(leaf, 12);
  if (tombstones == 0) return false;
  const end = tombstones + ((firstBit + leafCount(leaf) + 7) >> 3);
  let bits: u64 = 0;
  for (let at = tombstones + (firstBit >> 3); at < end; at += 8) bits |= load<u64>(at);
  return bits != 0;
}

@inline
export function leafIsDead(leaf: usize, index: u32): bool {
  return isDead(load<u32>(leaf, 12), load<u32>(leaf, 16) + index);
}

/** Bit i is set if vector `first` + i of the leaf is dead; those past its end may be either. */
@inline
export function leafDeadLanes(leaf: usize, first: u32): u32 {
  const bit = load<u32>(leaf, 16) + first;
  return <u32>(load<u64>(load<u32>(leaf, 12) + (bit >> 3)) >> (bit & 7));
}

/** Marks vectors `first` + i of the leaf for which bit i of `lanes` is set. */
@inline
export function markDeadLanes(leaf: usize, first: u32, lanes: u32): void {
  const bit = load<u32>(leaf, 16) + first;
  const at = load<u32>(leaf, 12) + (bit >> 3);
  store<u64>(at, load<u64>(at) | (<u64>lanes << (bit & 7)));
}

/** Bits are numbered from the least significant bit of the first byte. */
@inline
export function isDead(tombstones: usize, bit: u32): bool {
  return ((load<u8>(tombstones + (bit >> 3)) >> (bit & 7)) & 1) != 0;
}
