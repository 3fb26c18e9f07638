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
  store<u32>(leaf, 0, 28);
}

/** Address of the number of each vector's own leaf; 0 where all of them belong to this one. */
@inline
export function leafNumbers(leaf: usize): usize {
  return load<u32>(leaf, 28);
}

/** Where vectors have leaves of their own: the address of a constant for each leaf. */
@inline
export function leafConstants(leaf: usize): usize {
  return load<u32>(leaf, 20);
}

/** The same for the error scales. */
@inline
export function leafErrorScales(leaf: usize): usize {
  return load<u32>(leaf, 24);
}

/** Bit i is set if vector `first` + i is in the leaf and not dead. */
@inline
export function leafLiveLanes(leaf: usize, first: u32, mayHaveDead: bool): u32 {
  const count = leafCount(leaf);
  const inLeaf: u32 = first + 32 > count ? (1 << (count - first)) - 1 : 0xffffffff;
  return mayHaveDead ? inLeaf & ~leafDeadLanes(leaf, first) : inLeaf;
}

// In a table of leaves, where no query has been asked yet, the last words tell of the leaf itself.

/** Length of its centroid. */
@inline
export function leafCentroidNorm(leaf: usize): f32 {
  return load<f32>(leaf, 24);
}

/** Mean squared distance of its vectors from its centroid. */
@inline
export function leafMeanSquare(leaf: usize): f32 {
  return load<f32>(leaf, 28);
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
  const tombstones: usize = load<u32>(leaf, 12);
  return tombstones != 0 && isDead(tombstones, load<u32>(leaf, 16) + index);
}

/** Bit i is set if vector `first` + i of the leaf is dead; those past its end may be either. */
@inline
export function leafDeadLanes(leaf: usize, first: u32): u32 {
  const bit = load<u32>(leaf, 16) + first;
  return <u32>(load<u64>(load<u32>(leaf, 12) + (bit >> 3)) >> (bit & 7));
}

/** Bits are numbered from the least significant bit of the first byte. */
@inline
export function isDead(tombstones: usize, bit: u32): bool {
  return ((load<u8>(tombstones + (bit >> 3)) >> (bit & 7)) & 1) != 0;
}
