// Navigation: exact distances of the leaves that their codes brought into a buffer, and the entries of the best to scan.

import { decodeBytes } from './bytes';
import { distance } from './distance';
import { DOT, INT8, rowBytes } from './rows';
import { LEAF_BYTES, leafCentroidNorm, leafMeanSquare, setLeafQuery } from './leaf';
import { candidateAt, candidateCount, estimateOf, positionOf, setEstimate } from './select';
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
  hits: usize,
): f32 {
  const perDimension: f32 = 1 / sqrt(dimensions);
  let sum: f32 = 0;
  for (let i = first; i < count; i++) {
    const node = candidateAt(nodes, i);
    const number = positionOf(node);
    const leaf = leafTable + number * LEAF_BYTES;
    const square = leafMeanSquare(leaf);
    let mean: f32 = 0;
    let spread: f32 = 0;
    if (metric == DOT) {
      // The node's distance is 2 - 2cos.
      mean = (0.5 * estimateOf(node) - 1) * leafCentroidNorm(leaf) * queryNorm;
      spread = queryNorm * sqrt(square);
    } else {
      mean = estimateOf(node) + square;
      spread = sqrt(square * (2 * square + 4 * max<f32>(0, estimateOf(node))));
    }
    const deviation = max<f32>(spread * perDimension, ROUNDING * abs(mean));
    const expected = <f32>load<u32>(counts + (number << 2)) * lowerTail((kth - mean) / deviation);
    store<f32>(hits + (i << 2), expected);
    sum += expected;
  }
  return sum;
}

/** Share of a normal distribution below z, within 0.01 of it and within a tenth of its logarithm; 1 where z is no number. */
@inline
function lowerTail(z: f32): f32 {
  if (z != z) return 1;
  return z < 0 ? tail(-z) : 1 - tail(z);
}

/** exp(-0.717 x - 0.416 x^2) / 2 for x above 0. */
@inline
function tail(x: f32): f32 {
  return x > 12 ? 0 : 0.5 * roughExp2(x * (-1.0344 - 0.60016 * x));
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
