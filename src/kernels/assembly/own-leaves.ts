// Vectors that lie in the order they came, each coded against the centroid of a leaf of its own: what belongs to the leaf is
// looked up by its number. Leaves that a query does not reach have an infinite constant.

/** The constants of four vectors, whose leaves are named at `numbers`. */
@inline
export function constantsOf(numbers: usize, constants: usize): v128 {
  return f32x4(
    load<f32>(constants + (load<u32>(numbers) << 2)),
    load<f32>(constants + (load<u32>(numbers, 4) << 2)),
    load<f32>(constants + (load<u32>(numbers, 8) << 2)),
    load<f32>(constants + (load<u32>(numbers, 12) << 2)),
  );
}

/** Bit i is set if the query reaches the leaf of the i-th of 32 vectors. */
export function reachedLanes(numbers: usize, constants: usize): u32 {
  let lanes: u32 = 0;
  for (let i: u32 = 0; i < 32; i++) {
    const constant = load<f32>(constants + (load<u32>(numbers + (i << 2)) << 2));
    lanes |= <u32>(constant != Infinity) << i;
  }
  return lanes;
}
