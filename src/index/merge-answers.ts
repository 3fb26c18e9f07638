// Joins the answers to the parts of one query. Runs on any thread.

import type { Answer, QueryStats } from './query.js';

/**
 * The nearest of both, nearest first; like each part's answer it holds more than `k` where distances tie at the k-th.
 * Times are those of the slowest part, counts are sums. Linear in k: a long scan has hundreds of parts.
 */
export function mergeAnswers(a: Answer, b: Answer, k: number): Answer {
  const rows: number[] = [];
  const distances: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.rows.length || j < b.rows.length) {
    const fromA =
      j >= b.rows.length || (i < a.rows.length && (a.distances[i] as number) <= (b.distances[j] as number));
    const answer = fromA ? a : b;
    const index = fromA ? i++ : j++;
    const distance = answer.distances[index] as number;
    if (distances.length >= k && distance > (distances[k - 1] as number)) break;
    rows.push(answer.rows[index] as number);
    distances.push(distance);
  }
  return {
    rows: Uint32Array.from(rows),
    distances: Float32Array.from(distances),
    stats: mergeStats(a.stats, b.stats),
  };
}

function mergeStats(a: QueryStats, b: QueryStats): QueryStats {
  return {
    // What parts say of a filter is the same for all of them, but for what happened between.
    ...a,
    ...mergeDoubts(a, b),
    ...((a.isUneven || b.isUneven) && { isUneven: true }),
    searchWay: a.searchWay === b.searchWay ? a.searchWay : 'widened',
    probes: Math.max(a.probes, b.probes),
    leaves: Math.max(a.leaves, b.leaves),
    vectorsScanned: a.vectorsScanned + b.vectorsScanned,
    vectorsReranked: a.vectorsReranked + b.vectorsReranked,
    prepareUs: Math.max(a.prepareUs, b.prepareUs),
    rankUs: Math.max(a.rankUs, b.rankUs),
    scanUs: Math.max(a.scanUs, b.scanUs),
    rerankUs: Math.max(a.rerankUs, b.rerankUs),
  };
}

/** No part's k-th is nearer than that of all. */
function mergeDoubts({ doubt: a }: QueryStats, { doubt: b }: QueryStats): Pick<QueryStats, 'doubt'> {
  if (a === undefined) return b === undefined ? {} : { doubt: b };
  if (b === undefined) return { doubt: a };
  return {
    doubt: {
      within: Math.min(a.within, b.within),
      isOfCandidates: a.isOfCandidates || b.isOfCandidates,
      isOfLeaves: a.isOfLeaves || b.isOfLeaves,
    },
  };
}
