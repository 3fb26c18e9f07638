// Navigation: exact distances of the leaves that their codes brought into a buffer, and the entries of the best to scan.

import { decodeBytes } from './bytes';
import { distance } from './distance';
import { DOT, INT8, rowBytes } from './rows';
import { LEAF_BYTES, setLeafQuery } from './leaf';
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
  leafTable: usize,
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
    const size = load<u32>(leafTable + positionOf(candidateAt(nodes, i)) * LEAF_BYTES, 4);
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
