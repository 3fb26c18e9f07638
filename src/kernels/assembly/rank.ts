// Navigation: exact distances of the leaves that their codes brought into a buffer, and the entries of the best to scan.

import { distance, DOT, L2 } from './distance';
import { LEAF_BYTES, setLeafQuery } from './leaf';
import { candidateAt, candidateCount, estimateOf, positionOf, setEstimate } from './select';

/** Bytes of a leaf's entry that do not depend on the query. */
const LEAF_FIXED_BYTES: u32 = 20;

export function rescore(buffer: usize, query: usize, rows: usize, dim: u32, metric: u32): void {
  const count = candidateCount(buffer);
  for (let i: u32 = 0; i < count; i++) {
    const candidate = candidateAt(buffer, i);
    setEstimate(candidate, distance(query, rows + positionOf(candidate) * (dim << 2), dim, metric));
  }
}

export function listLeaves(
  nodes: usize,
  count: u32,
  leafTable: usize,
  query: usize,
  centroids: usize,
  dim: u32,
  metric: u32,
  leaves: usize,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const node = candidateAt(nodes, i);
    const number = positionOf(node);
    const leaf = leaves + i * LEAF_BYTES;
    memory.copy(leaf, leafTable + number * LEAF_BYTES, LEAF_FIXED_BYTES);
    if (metric == DOT) {
      const centroid = centroids + number * (dim << 2);
      setLeafQuery(leaf, distance(query, centroid, dim, DOT), sqrt(distance(query, centroid, dim, L2)));
    } else {
      const squared = estimateOf(node);
      setLeafQuery(leaf, squared, sqrt(squared));
    }
  }
}
