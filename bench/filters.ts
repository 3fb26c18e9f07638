// Searches under filters of every selectivity, alone, correlated with the vectors and against them: recall at a declared
// target, and cost beside the search without a filter and the exact scan of the matches. In process, one thread.
// Usage: npm run bench -- filters [--data glove|embeddings] [--count N] [--smoke]

import { planSearch } from '../src/index/plan.js';
import type { Query } from '../src/index/query.js';
import { benchOptions } from './bench-options.js';
import { quantile } from './client/timed-searches.js';
import { buildInProcess } from './coppice-in-process.js';
import { DATA_HELP, DATA_OPTIONS, loadBenchData } from './data/bench-vectors.js';
import { recallByDistance, row } from './data/split.js';
import { CORRELATIONS, type Correlation, matchingRows, rowsByDistance } from './filters/matching-rows.js';
import { recordTable } from './report.js';
import { saveResult } from './results.js';

const K = 10;
const TARGET = 0.95;
const SHARES = [1, 0.5, 0.1, 0.01, 0.001, 0.0001];
const QUERIES = '200';
const WANTED = { recall: TARGET - 0.01, unfilteredTimes: 3 };

const HELP = `npm run bench -- filters [--data glove|embeddings] [--count N] [--queries ${QUERIES}] [--smoke]

${DATA_HELP}`;
const options = benchOptions(HELP, { ...DATA_OPTIONS, queries: { type: 'string', default: QUERIES } });
const { base, queries } = await loadBenchData(options, console.error);
const index = await buildInProcess(base, { metric: 'cosine' }, 2);
const vectors = Array.from({ length: queries.count }, (_, i) => row(queries, i));
const plan = planSearch(index.shape, index.calibration, { k: K, targetRecall: TARGET });
const nearestFirst = rowsByDistance(base, queries);
const rows = SHARES.flatMap((share) => CORRELATIONS.map((correlation) => measure(share, correlation)));
await index.close();
console.log(`${base.count} x ${base.dimension}, recall@${K} at target ${TARGET}\n`);
console.log(recordTable(rows));
if (!options.smoke) await saveResult(`filters-${options.data}`, { rows });

function measure(share: number, correlation: Correlation): object {
  const count = Math.round(share * base.count);
  const found: Float32Array[] = [];
  const truth: Float32Array[] = [];
  const ways = new Map<string, number>();
  const asked = vectors.map((vector, i) => {
    const mask = index.maskOf(matchingRows(correlation, count, base.count, (n) => nearestFirst(n), i));
    const request = { k: K, targetRecall: TARGET };
    const filtered = planSearch(index.shape, index.calibration, request, mask);
    return { vector, k: K, ...filtered, mask };
  });
  for (const query of asked) {
    const answer = index.search(query);
    const way = answer.stats.searchWay;
    ways.set(way, (ways.get(way) ?? 0) + 1);
    found.push(answer.distances);
    truth.push(index.search({ ...query, exact: true }).distances);
  }
  const { us, exactUs, unfilteredUs } = medians(asked);
  const recall = recallByDistance(Math.min(K, count), truth, found);
  const limitUs = Math.max(WANTED.unfilteredTimes * unfilteredUs, exactUs);
  return {
    share,
    correlation,
    matches: count,
    recall,
    ways: [...ways].map(([way, times]) => `${way} ${times}`).join(', '),
    us: Math.round(us),
    exactUs: Math.round(exactUs),
    unfilteredUs: Math.round(unfilteredUs),
    byUnfiltered: us / unfilteredUs,
    byLimit: us / limitUs,
  };
}

/**
 * Microseconds of the planned search, of the exact scan of the matches and of the search without a filter: one after the
 * other for each query, as the machine's speed changes; each with the mask taken in.
 */
function medians(asked: Query[]): { us: number; exactUs: number; unfilteredUs: number } {
  const times = { us: [] as number[], exactUs: [] as number[], unfilteredUs: [] as number[] };
  for (const [i, query] of asked.entries()) {
    const planned = () => times.us.push(timed(() => index.search(query)));
    const exact = () => times.exactUs.push(timed(() => index.search({ ...query, exact: true })));
    index.search(query);
    // Whoever comes second finds the vectors in the caches of the processor: they take turns.
    for (const run of i % 2 === 0 ? [planned, exact] : [exact, planned]) run();
    times.unfilteredUs.push(timed(() => index.search({ vector: query.vector, k: K, ...plan })));
  }
  const median = (of: number[]) => quantile(of, 0.5);
  return {
    us: median(times.us),
    exactUs: median(times.exactUs),
    unfilteredUs: median(times.unfilteredUs),
  };
}

function timed(work: () => unknown): number {
  const startedMs = performance.now();
  work();
  return (performance.now() - startedMs) * 1000;
}
