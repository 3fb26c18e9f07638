// Joins the answers to the shares of one query. Runs on any thread.

import type { Answer, QueryStats } from '../index/query.js';

/**
 * The nearest of all shares, nearest first and the smaller row first where distances tie; like each share's answer it
 * holds more than `k` where distances tie at the k-th. Times are those of the slowest share, counts are sums.
 */
export function mergeAnswers(answers: Answer[], k: number): Answer {
  const [first] = answers;
  if (first && answers.length === 1) return first;
  const found = answers.flatMap((answer) =>
    Array.from(answer.rows, (row, index) => ({ row, distance: answer.distances[index] as number })),
  );
  found.sort((a, b) => a.distance - b.distance || a.row - b.row);
  const last = found[k - 1]?.distance ?? Number.POSITIVE_INFINITY;
  const kept = found.filter((candidate) => candidate.distance <= last);
  return {
    rows: Uint32Array.from(kept, (candidate) => candidate.row),
    distances: Float32Array.from(kept, (candidate) => candidate.distance),
    stats: mergeStats(answers.map((answer) => answer.stats)),
  };
}

function mergeStats(all: QueryStats[]): QueryStats {
  const sum = (pick: (stats: QueryStats) => number) => all.reduce((total, stats) => total + pick(stats), 0);
  const max = (pick: (stats: QueryStats) => number) =>
    all.reduce((most, stats) => Math.max(most, pick(stats)), 0);
  return {
    probes: sum((stats) => stats.probes),
    leaves: max((stats) => stats.leaves),
    vectorsScanned: sum((stats) => stats.vectorsScanned),
    vectorsReranked: sum((stats) => stats.vectorsReranked),
    prepareUs: max((stats) => stats.prepareUs),
    rankUs: max((stats) => stats.rankUs),
    scanUs: max((stats) => stats.scanUs),
    rerankUs: max((stats) => stats.rerankUs),
  };
}
