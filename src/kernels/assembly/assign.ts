// Nearest centroids of many points: the inner loop of k-means. Tiles of 2 points x 4 centroids live in registers;
// a few points at a time stay in the first-level cache while the centroids stream by.

import { multiplyAdd, sumLanesOfFour } from './lanes';

/** Bytes of points that one pass over the centroids serves: they stay in the first-level cache. See ASSIGN_BEST_BYTES. */
const ROUND_BYTES: u32 = 24576;

export function assign(
  matrix: usize,
  points: usize,
  count: u32,
  dim: u32,
  centroids: usize,
  norms: usize,
  list: usize,
  listCount: u32,
  nearest: usize,
  best: usize,
): void {
  const stride = dim << 2;
  const some = max<u32>(2, ROUND_BYTES / stride) & ~1;
  for (let first: u32 = 0; first < count; first += some) {
    const number = min(some, count - first);
    const at = first << 2;
    assignSome(matrix, points + at, number, dim, centroids, norms, list, listCount, nearest + at, best);
  }
}

function assignSome(
  matrix: usize,
  points: usize,
  count: u32,
  dim: u32,
  centroids: usize,
  norms: usize,
  list: usize,
  listCount: u32,
  nearest: usize,
  best: usize,
): void {
  const stride = dim << 2;
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(nearest + (i << 2), load<u32>(list));
    store<f32>(best + (i << 2), Infinity);
  }
  for (let l: u32 = 0; l < listCount; l += 4) {
    // A short last tile repeats the last centroid: a tie never replaces the earlier entry.
    const last = listCount - 1;
    const a = load<u32>(list + (l << 2));
    const b = load<u32>(list + (min(l + 1, last) << 2));
    const c = load<u32>(list + (min(l + 2, last) << 2));
    const d = load<u32>(list + (min(l + 3, last) << 2));
    const tileNorms = f32x4(
      load<f32>(norms + (a << 2)),
      load<f32>(norms + (b << 2)),
      load<f32>(norms + (c << 2)),
      load<f32>(norms + (d << 2)),
    );
    const rowA = centroids + a * stride;
    const rowB = centroids + b * stride;
    const rowC = centroids + c * stride;
    const rowD = centroids + d * stride;
    const numbers = list + (l << 2);
    let i: u32 = 0;
    for (; i + 2 <= count; i += 2) {
      const at = i << 2;
      const point = matrix + load<u32>(points + at) * stride;
      const other = matrix + load<u32>(points + at, 4) * stride;
      tile(point, other, stride, rowA, rowB, rowC, rowD);
      improve(products, tileNorms, numbers, nearest + at, best + at);
      improve(otherProducts, tileNorms, numbers, nearest + at + 4, best + at + 4);
    }
    if (i < count) {
      const point = matrix + load<u32>(points + (i << 2)) * stride;
      tile(point, point, stride, rowA, rowB, rowC, rowD);
      improve(products, tileNorms, numbers, nearest + (i << 2), best + (i << 2));
    }
  }
}

// The products of the tile just computed, returned in WebAssembly globals as a function returns but one value.
let products = f32x4(0, 0, 0, 0);
let otherProducts = f32x4(0, 0, 0, 0);

/**
 * Not unrolled: V8 would load ahead and spill the sums. Called from two places, which keeps it from being inlined and
 * its addresses from being computed anew in every round.
 */
function tile(point: usize, other: usize, bytes: u32, a: usize, b: usize, c: usize, d: usize): void {
  let a0 = f32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  let a1 = a0;
  let b1 = a0;
  let c1 = a0;
  let d1 = a0;
  for (let at: u32 = 0; at < bytes; at += 16) {
    const x = v128.load(point + at);
    const y = v128.load(other + at);
    const p = v128.load(a + at);
    a0 = multiplyAdd(x, p, a0);
    a1 = multiplyAdd(y, p, a1);
    const q = v128.load(b + at);
    b0 = multiplyAdd(x, q, b0);
    b1 = multiplyAdd(y, q, b1);
    const r = v128.load(c + at);
    c0 = multiplyAdd(x, r, c0);
    c1 = multiplyAdd(y, r, c1);
    const s = v128.load(d + at);
    d0 = multiplyAdd(x, s, d0);
    d1 = multiplyAdd(y, s, d1);
  }
  products = sumLanesOfFour(a0, b0, c0, d0);
  otherProducts = sumLanesOfFour(a1, b1, c1, d1);
}

/** Takes the smallest of a tile's four values if it beats the best so far. */
@inline
function improve(tileProducts: v128, tileNorms: v128, numbers: usize, nearest: usize, best: usize): void {
  const values = f32x4.sub(tileNorms, f32x4.add(tileProducts, tileProducts));
  const nearer = f32x4.lt(values, f32x4.splat(load<f32>(best)));
  if (v128.any_true(nearer)) takeSmallest(values, numbers, nearest, best);
}

function takeSmallest(values: v128, numbers: usize, nearest: usize, best: usize): void {
  let smallest = load<f32>(best);
  let lane: u32 = 0;
  if (f32x4.extract_lane(values, 0) < smallest) smallest = f32x4.extract_lane(values, 0);
  if (f32x4.extract_lane(values, 1) < smallest) {
    smallest = f32x4.extract_lane(values, 1);
    lane = 1;
  }
  if (f32x4.extract_lane(values, 2) < smallest) {
    smallest = f32x4.extract_lane(values, 2);
    lane = 2;
  }
  if (f32x4.extract_lane(values, 3) < smallest) {
    smallest = f32x4.extract_lane(values, 3);
    lane = 3;
  }
  store<u32>(nearest, load<u32>(numbers + (lane << 2)));
  store<f32>(best, smallest);
}
