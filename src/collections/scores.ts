// Internal distances as the scores that callers see, and the order of results. Runs on any thread.

import type { Metric } from '../contract/index-settings.js';

/** Euclidean distance for l2, cosine similarity for cosine, inner product for dot. */
export function scoreOf(metric: Metric, distance: number): number {
  switch (metric) {
    case 'l2':
      return Math.sqrt(Math.max(0, distance));
    case 'cosine':
      // Vectors of one direction are at exactly 0; rounding brings opposite ones a little past the end.
      return Math.min(1, Math.max(-1, 1 - distance / 2));
    case 'dot':
      // Not `-distance`, which would make a negative zero.
      return 0 - distance;
  }
}

/** True where a score is at least as good as the threshold. */
export function passes(metric: Metric, score: number, threshold: number): boolean {
  return metric === 'l2' ? score <= threshold : score >= threshold;
}

/** Nearest first; equal distances in the order of the ids' texts, by UTF-16 code units, so that answers repeat. */
export function compareHits(
  a: { distance: number; key: string },
  b: { distance: number; key: string },
): number {
  if (a.distance !== b.distance) return a.distance - b.distance;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}
