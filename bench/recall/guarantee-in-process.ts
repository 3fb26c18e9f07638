// Held-out queries of a data set, searched by this thread in an index that was just built.

import { planSearch } from '../../src/index/plan.js';
import type { Answer } from '../../src/index/query.js';
import { buildInProcess } from '../coppice-in-process.js';
import { loadBenchData } from '../data/bench-vectors.js';
import { row } from '../data/split.js';
import { trueNeighbours } from '../data/true-neighbours.js';
import { matrixRows } from '../data/vector-rows.js';
import { type Asked, cpuUsOf, type Effort, type Found, K, type Subject } from './asked.js';

const BUILD_THREADS = 2;
/** Searches of the calibrated efforts that are in doubt for good; others are to be answered from some of the leaves. */
const COMPARED_ALL_MAX = 0.1;
/** Of a squared distance of unit vectors, by float32. */
const ROUNDING = 2e-6;

export async function builtSubject(
  options: Parameters<typeof loadBenchData>[0],
  say: (text: string) => void,
): Promise<Subject> {
  const { name, base, queries } = await loadBenchData(options, say);
  const index = await buildInProcess(base, { metric: 'cosine' }, BUILD_THREADS);
  say(`built ${base.count} x ${base.dimension} in ${index.buildSeconds.toFixed(0)} s`);
  const { distances } = trueNeighbours(matrixRows(base), queries, K);
  const foundOf = ({ distances: found, stats }: Answer, query: number): Found => {
    const farthest = (distances[query]?.[K - 1] as number) ** 2 + ROUNDING;
    return {
      hits: Math.min(K, found.filter((distance) => distance <= farthest).length),
      way: stats.searchWay,
      scanned: stats.vectorsScanned,
      read: stats.vectorsReranked + (stats.searchWay === 'exact' ? stats.vectorsScanned : 0),
    };
  };
  const ask = async (effort: Effort): Promise<Asked> => {
    const plan = planSearch(index.shape, index.calibration, { k: K, ...requested(effort) });
    const { result, us } = await cpuUsOf(async () =>
      Array.from({ length: queries.count }, (_, i) =>
        index.search({ vector: row(queries, i), k: K, ...plan }),
      ),
    );
    return { found: result.map(foundOf), cpuUs: us / queries.count };
  };
  return {
    name: `${name}, ${base.count} x ${base.dimension}, ${queries.count} queries`,
    comparedAllMax: COMPARED_ALL_MAX,
    ask,
    close: () => index.close(),
  };
}

function requested(effort: Effort): { targetRecall: number } | { minRecall: number; confidence: number } {
  if ('target_recall' in effort) return { targetRecall: effort.target_recall };
  return { minRecall: effort.min_recall, confidence: effort.confidence };
}
