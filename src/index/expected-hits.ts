// How many vectors nearer than a distance a leaf may be expected to hold, by where its centroid lies and how far its vectors
// spread. Unlike the probe model, which ranks leaves by what was usual, this follows from the leaf and the distance alone: it tells a
// query that is unlike those of the calibration. The kernel `expectHits` computes the same. Runs on any thread.
//
// The vectors of a leaf spread about its centroid c with the mean square s, in m dimensions alike. Seen from a query q at the distance d
// of c, their squared distances have the mean d^2 + s and the variance (2 s^2 + 4 d^2 s) / m; their inner products with q the mean
// <c, q> and the variance |q|^2 s / m. Both are taken to be normal. m is fitted to the calibration queries: where a leaf is
// stretched towards some of its neighbours it is less than the dimension of the vectors.

import type { Metric } from './settings.js';

/**
 * What spreads evenly, of an internal distance: the inner product, or the root of the squared distance. Seen from outside a leaf, squared
 * distances have fewer small ones than a normal distribution.
 */
export function evenDistance(metric: Metric, internal: number): number {
  return metric === 'dot' ? internal : Math.sqrt(Math.max(0, internal));
}

/** What the expectation of a leaf depends on, but for m: of internal distances, or of even ones where a leaf was sampled. */
export interface LeafSpread {
  /** Live vectors. */
  count: number;
  mean: number;
  /** Standard deviation times the square root of m. */
  spread: number;
}

/** Expected number of the leaf's vectors below `kth`, a distance of the same kind as the mean. */
export function expectedBelow({ count, mean, spread }: LeafSpread, kth: number, dimensions: number): number {
  const deviation = Math.max(spread / Math.sqrt(dimensions), ROUNDING * Math.abs(mean));
  return count * lowerTail((kth - mean) / deviation);
}

/** Where next to nothing is expected in the leaves that were scanned, as of pending rows: of k hits so many. */
const SCANNED_MIN = 0.03;
const EXCESS_POWER = 0.5;

/**
 * Of the k nearest, those that may be missed, where hits are expected in leaves that were not scanned, `left`, and in those that were,
 * `scanned`, where k have been found. What falls short of k there, or exceeds it, does so in the others as well: seen from such a query
 * leaves spread farther than they do from others, or less far. What exceeds it is believed but by a small power, lest too little is
 * expected of queries that are far from all leaves.
 */
export function missedHits(k: number, scanned: number, left: number): number {
  const times = k / Math.max(scanned, SCANNED_MIN * k);
  return left * (times < 1 ? times ** EXCESS_POWER : times);
}

/** `squaredDistance` is that of query and centroid; for l2 and cosine. */
export function spreadOf(squaredDistance: number, meanSquare: number): Omit<LeafSpread, 'count'> {
  const mean = squaredDistance + meanSquare;
  return { mean, spread: Math.sqrt(meanSquare * (2 * meanSquare + 4 * squaredDistance)) };
}

/** For dot, where `cosineDistance` is 2 - 2cos of query and centroid. */
export function dotSpreadOf(
  cosineDistance: number,
  { centroidNorm, queryNorm, meanSquare }: { centroidNorm: number; queryNorm: number; meanSquare: number },
): Omit<LeafSpread, 'count'> {
  const mean = (cosineDistance / 2 - 1) * centroidNorm * queryNorm;
  return { mean, spread: queryNorm * Math.sqrt(meanSquare) };
}

/** Remoteness is cut here: of a leaf whose vectors are all the same. */
export const REMOTENESS_MAX = 1e6;

/**
 * How far a query lies from its nearest leaf, as the leaf's own vectors see it: the squared distance over theirs; for dot, where
 * lengths do not matter, the distance 2 - 2cos.
 */
export function remoteness(metric: Metric, squaredDistance: number, meanSquare: number): number {
  if (metric === 'dot') return squaredDistance;
  return squaredDistance <= REMOTENESS_MAX * meanSquare ? squaredDistance / meanSquare : REMOTENESS_MAX;
}

/** What remains of the spread where all vectors of a leaf are the same, relative to the mean. */
const ROUNDING = 1e-6;

/** Share of a normal distribution below z, the tail by exp(-0.717 x - 0.416 x^2) / 2; 1 where z is no number. */
function lowerTail(z: number): number {
  if (Number.isNaN(z)) return 1;
  const x = Math.abs(z);
  const tail = x > 12 ? 0 : 0.5 * Math.exp(-x * (0.717 + 0.416 * x));
  return z < 0 ? tail : 1 - tail;
}
