// Navigation: exact distances of the leaves that their codes brought into a buffer, and the entries of the best to scan.

import { decodeBytes } from './bytes';
import { distance } from './distance';
import { leastOf, sumLanes } from './lanes';
import { DOT, INT8, rowBytes } from './rows';
import { LEAF_BYTES, leafCentroidNorm, leafMeanSquare, setLeafQuery } from './leaf';
import { candidateAt, candidateCount, estimateOf, estimatesOf, positionOf, setEstimate } from './select';
import { addVector } from './vectors';

/** The gap of the leaf of this rank is the spread of a query's leaves. */
const SPREAD_RANK: u32 = 20;
/** Bytes of a leaf's entry that do not depend on the query. */
const LEAF_FIXED_BYTES: u32 = 20;

/** Of the centroid as it is stored: what its leaf was encoded against, so that nothing is lost by its 8 bits. */
export function rescore(
  buffer: usize,
  query: usize,
  centroids: usize,
  dim: u32,
  metric: u32,
  shift: usize,
  decoded: usize,
): void {
  const count = candidateCount(buffer);
  for (let i: u32 = 0; i < count; i++) {
    const candidate = candidateAt(buffer, i);
    const number = positionOf(candidate);
    decodeBytes(centroids + number * rowBytes(dim, INT8), dim, decoded);
    if (shift != 0) addVector(decoded, shift, dim);
    setEstimate(candidate, distance(query, decoded, dim, metric));
  }
}

export function chooseProbes(
  nodes: usize,
  count: u32,
  share: f32,
  model: usize,
  counts: usize,
  hits: usize,
): u32 {
  const first = leafDistance(nodes, 0);
  const spread = leafDistance(nodes, min(SPREAD_RANK, count - 1)) - first;
  const slope: f32 = load<f32>(model) + (spread > 0 ? load<f32>(model, 8) / spread : 0);
  const curve = load<f32>(model, 4);
  const logSize = load<f32>(model, 12);
  const logRank = load<f32>(model, 16);
  let total: f32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const gap = leafDistance(nodes, i) - first;
    const size = load<u32>(counts + (positionOf(candidateAt(nodes, i)) << 2));
    const exponent = gap * (slope + gap * curve) + logSize * roughLog2(<f32>size) + logRank * roughLog2(<f32>(i + 1));
    const expected = roughExp2(exponent);
    store<f32>(hits + (i << 2), expected);
    total += expected;
  }
  const wanted = share * total;
  let sum: f32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    sum += load<f32>(hits + (i << 2));
    if (sum >= wanted) return i + 1;
  }
  return count;
}

@inline
function leafDistance(nodes: usize, index: u32): f32 {
  return sqrt(max<f32>(0, estimateOf(candidateAt(nodes, index))));
}

/** Straight lines between the powers of two. */
@inline
function roughLog2(value: f32): f32 {
  return <f32>(reinterpret<i32>(value) - 0x3f800000) * <f32>1.1920928955078125e-7;
}

@inline
function roughExp2(exponent: f32): f32 {
  return reinterpret<f32>(0x3f800000 + <i32>(min<f32>(100, max<f32>(-100, exponent)) * 8388608));
}

/** What remains of a leaf's spread where all its vectors are the same: rounding, relative to its distance. */
const ROUNDING: f32 = 1e-6;

export function expectHits(
  nodes: usize,
  first: u32,
  count: u32,
  leafTable: usize,
  counts: usize,
  kth: f32,
  queryNorm: f32,
  dimensions: f32,
  metric: u32,
  others: u32,
  hits: usize,
): f32 {
  const perDimension = f32x4.splat(1 / sqrt(dimensions));
  const queryNorms = f32x4.splat(queryNorm);
  const kths = f32x4.splat(kth);
  let sums = f32x4.splat(0);
  let least = f32x4.splat(Infinity);
  for (let i = first; i < count; i += 4) {
    // Behind the last comes the last again; what is written of it is not counted.
    const a = candidateAt(nodes, i);
    const b = candidateAt(nodes, min(i + 1, count - 1));
    const c = candidateAt(nodes, min(i + 2, count - 1));
    const d = candidateAt(nodes, min(i + 3, count - 1));
    const distances = estimatesOf(a, b, c, d);
    const leafA = leafTable + positionOf(a) * LEAF_BYTES;
    const leafB = leafTable + positionOf(b) * LEAF_BYTES;
    const leafC = leafTable + positionOf(c) * LEAF_BYTES;
    const leafD = leafTable + positionOf(d) * LEAF_BYTES;
    const squares = f32x4(leafMeanSquare(leafA), leafMeanSquare(leafB), leafMeanSquare(leafC), leafMeanSquare(leafD));
    let means: v128;
    let spreads: v128;
    if (metric == DOT) {
      const norms = f32x4(
        leafCentroidNorm(leafA),
        leafCentroidNorm(leafB),
        leafCentroidNorm(leafC),
        leafCentroidNorm(leafD),
      );
      // The node's distance is 2 - 2cos.
      const cosines = f32x4.sub(f32x4.splat(1), f32x4.mul(f32x4.splat(0.5), distances));
      means = f32x4.neg(f32x4.mul(f32x4.mul(cosines, norms), queryNorms));
      spreads = f32x4.mul(queryNorms, f32x4.sqrt(squares));
    } else {
      means = f32x4.add(distances, squares);
      const farther = f32x4.mul(f32x4.splat(4), f32x4.max(f32x4.splat(0), distances));
      // The root of each: the product of tiny ones would be 0.
      spreads = f32x4.mul(f32x4.sqrt(squares), f32x4.sqrt(f32x4.add(f32x4.add(squares, squares), farther)));
    }
    const floors = f32x4.mul(f32x4.splat(ROUNDING), f32x4.abs(means));
    const deviations = f32x4.max(f32x4.mul(spreads, perDimension), floors);
    const counted = f32x4(
      <f32>load<u32>(counts + (positionOf(a) << 2)),
      <f32>load<u32>(counts + (positionOf(b) << 2)),
      <f32>load<u32>(counts + (positionOf(c) << 2)),
      <f32>load<u32>(counts + (positionOf(d) << 2)),
    );
    const expected = f32x4.mul(counted, lowerTails(f32x4.div(f32x4.sub(kths, means), deviations)));
    v128.store(hits + (i << 2), expected);
    const isNode = i32x4.lt_u(i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3)), i32x4.splat(count));
    sums = f32x4.add(sums, v128.and(expected, isNode));
    least = f32x4.min(least, expected);
  }
  const sum = sumLanes(sums);
  return others == 0 ? sum : sum + <f32>others * leastOf(least);
}

/** Shares of a normal distribution below z, within 0.01 of it and within a tenth of its logarithm; 1 where z is no number. */
@inline
function lowerTails(z: v128): v128 {
  const x = f32x4.abs(z);
  // exp(-0.717 x - 0.416 x^2) / 2, by powers of two as of `roughExp2`.
  const exponents = f32x4.mul(x, f32x4.sub(f32x4.splat(-1.0344), f32x4.mul(f32x4.splat(0.60016), x)));
  const steps = f32x4.mul(f32x4.max(f32x4.splat(-100), exponents), f32x4.splat(8388608));
  const powers = i32x4.add(i32x4.splat(0x3f800000), i32x4.trunc_sat_f32x4_s(steps));
  const tails = f32x4.mul(f32x4.splat(0.5), powers);
  const ones = f32x4.splat(1);
  const shares = v128.bitselect(tails, f32x4.sub(ones, tails), f32x4.lt(z, f32x4.splat(0)));
  return v128.bitselect(shares, ones, f32x4.eq(z, z));
}

export function listLeaves(
  nodes: usize,
  count: u32,
  leafTable: usize,
  query: usize,
  centroids: usize,
  dim: u32,
  metric: u32,
  shift: usize,
  decoded: usize,
  leaves: usize,
): void {
  const queryNorm: f32 = sqrt(-distance(query, query, dim, DOT));
  const shifted: f32 = shift != 0 ? distance(query, shift, dim, DOT) : 0;
  for (let i: u32 = 0; i < count; i++) {
    const node = candidateAt(nodes, i);
    const number = positionOf(node);
    const leaf = leaves + i * LEAF_BYTES;
    memory.copy(leaf, leafTable + number * LEAF_BYTES, LEAF_FIXED_BYTES);
    if (metric == DOT) {
      decodeBytes(centroids + number * rowBytes(dim, INT8), dim, decoded);
      setLeafQuery(leaf, distance(query, decoded, dim, DOT) + shifted, queryNorm);
    } else {
      const squared = estimateOf(node);
      setLeafQuery(leaf, squared, sqrt(squared));
    }
  }
}
