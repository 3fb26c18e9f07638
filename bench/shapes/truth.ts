// What is true of a cell: distances in float64 by brute force, made from the float32 numbers that are stored, and independent
// of src. l2 by differences.

import type { Metric } from '../../src/contract/index-settings.js';
import { type Matrix, row } from '../data/split.js';

/** What float32 may round away: of an l2 distance, of a cosine, and of the product of two lengths. */
const SLACK = 1e-6;
/** Numbers that a loop takes at a time. */
const STEP = 4;
/** Of so many queries it is counted how many points the slack cannot tell from the true nearest. */
const LOOKED_AT = 50;

export interface Truth {
  /** Whether a live row is as near to a query as the true k-th. */
  isHit(k: number, query: number, liveRow: number): boolean;
  /** By k: mean number of rows that count as hits, over the number wanted; near 1 where float32 tells neighbours apart. */
  crowd: Map<number, number>;
}

/** Squared l2 distance, negated cosine or negated product. */
export function distanceBetween(metric: Metric, a: Float32Array, b: Float32Array): number {
  if (metric === 'l2') return squaredL2(a, b, 0, b.length, Number.POSITIVE_INFINITY);
  const product = dot(a, b, 0, a.length);
  return metric === 'dot' ? -product : -product / (norm(a) * norm(b));
}

/** Cost: queries x live x dimension. */
export function truthOf(metric: Metric, live: Matrix, queries: Matrix, ks: readonly number[]): Truth {
  const { dimension } = live;
  const norms = Float64Array.from({ length: live.count }, (_, i) => norm(row(live, i)));
  const queryNorms = Float64Array.from({ length: queries.count }, (_, i) => norm(row(queries, i)));
  const kthDistances = new Map(ks.map((k) => [k, new Float64Array(queries.count)]));
  const nearest = new Float64Array(Math.min(live.count, Math.max(...ks)));
  for (let query = 0; query < queries.count; query++) {
    const vector = Float64Array.from(row(queries, query));
    nearestDistances(nearest, metric, live, vector, norms, queryNorms[query] as number);
    for (const [k, distances] of kthDistances) {
      distances[query] = nearest[Math.min(k, live.count) - 1] as number;
    }
  }
  const isHit = (k: number, query: number, liveRow: number): boolean => {
    const kth = kthDistances.get(k)?.[query] as number;
    const vector = row(queries, query);
    const at = liveRow * dimension;
    if (metric === 'l2')
      return (
        squaredL2(vector, live.values, at, dimension, Number.POSITIVE_INFINITY) <= kth * (1 + SLACK) ** 2
      );
    const product = dot(vector, live.values, at, dimension);
    const lengths = (queryNorms[query] as number) * (norms[liveRow] as number);
    return metric === 'dot' ? -product <= kth + SLACK * lengths : -product / lengths <= kth + SLACK;
  };
  return { isHit, crowd: new Map(ks.map((k) => [k, crowdOf(k, isHit, live.count, queries.count)])) };
}

/** Fills `nearest` with the least distances, in order. */
function nearestDistances(
  nearest: Float64Array,
  metric: Metric,
  { values, count, dimension }: Matrix,
  query: Float64Array,
  norms: Float64Array,
  queryNorm: number,
): void {
  nearest.fill(Number.POSITIVE_INFINITY);
  const last = nearest.length - 1;
  let farthest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    let distance: number;
    if (metric === 'l2') distance = squaredL2(query, values, i * dimension, dimension, farthest);
    else if (metric === 'dot') distance = -dot(query, values, i * dimension, dimension);
    else distance = -dot(query, values, i * dimension, dimension) / (queryNorm * (norms[i] as number));
    if (!(distance < farthest)) continue;
    let at = last;
    for (; at > 0 && (nearest[at - 1] as number) > distance; at--) nearest[at] = nearest[at - 1] as number;
    nearest[at] = distance;
    farthest = nearest[last] as number;
  }
}

/** Of the numbers from `at` on; the sum so far once it exceeds `limit`. */
function squaredL2(
  query: ArrayLike<number>,
  values: Float32Array,
  at: number,
  dimension: number,
  limit: number,
): number {
  let sum = 0;
  let i = 0;
  for (; i + STEP <= dimension; i += STEP) {
    const a = (query[i] as number) - (values[at + i] as number);
    const b = (query[i + 1] as number) - (values[at + i + 1] as number);
    const c = (query[i + 2] as number) - (values[at + i + 2] as number);
    const d = (query[i + 3] as number) - (values[at + i + 3] as number);
    sum += a * a + b * b + c * c + d * d;
    if (sum > limit) return sum;
  }
  for (; i < dimension; i++) sum += ((query[i] as number) - (values[at + i] as number)) ** 2;
  return sum;
}

function dot(query: ArrayLike<number>, values: Float32Array, at: number, dimension: number): number {
  let sum = 0;
  let i = 0;
  for (; i + STEP <= dimension; i += STEP) {
    sum +=
      (query[i] as number) * (values[at + i] as number) +
      (query[i + 1] as number) * (values[at + i + 1] as number) +
      (query[i + 2] as number) * (values[at + i + 2] as number) +
      (query[i + 3] as number) * (values[at + i + 3] as number);
  }
  for (; i < dimension; i++) sum += (query[i] as number) * (values[at + i] as number);
  return sum;
}

function norm(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector, 0, vector.length));
}

function crowdOf(k: number, isHit: Truth['isHit'], liveCount: number, queryCount: number): number {
  const looked = Math.min(LOOKED_AT, queryCount);
  let count = 0;
  for (let query = 0; query < looked; query++) {
    for (let i = 0; i < liveCount; i++) if (isHit(k, query, i)) count++;
  }
  return count / (looked * Math.min(k, liveCount));
}
