// Measures recall: stored points as queries, each left out of its own answer, the index's answer against the exact one.
// Main thread; the scans are the workers'.

import { setTimeout } from 'node:timers/promises';
import type { RecallReport, RecallRequest } from '../contract/recall.js';
import { ServiceError } from '../errors.js';
import { planSearch } from '../index/plan.js';
import type { Answer, Query } from '../index/query.js';
import { seededRandom } from '../index/random.js';
import type { CollectionSearch } from './collection-search.js';
import type { StoredVectors } from './stored-vectors.js';
import type { LiveView, Views } from './views.js';

/** Positions tried for each sample before the collection counts as nearly empty. */
const TRIES_PER_SAMPLE = 50;
/** A measurement makes room for searches after each sample. */
const PAUSE_MS = 1;

export interface RecallOptions {
  name: string;
  views: Views;
  vectors: StoredVectors;
  search: CollectionSearch;
}

/**
 * Recall of the index search at the request's effort, and the latencies of both kinds of search, hop to the worker
 * included. Samples are the same for the same collection.
 * @throws collection_empty
 */
export async function measureRecall(options: RecallOptions, request: RecallRequest): Promise<RecallReport> {
  return options.views.use(async (live) => {
    const rows = sampleRows(live, request.samples);
    if (rows.length === 0) throw new ServiceError('collection_empty', { name: options.name });
    // One more, for the sample itself.
    const k = request.k + 1;
    const plan = planSearch(live.view.settings, live.served.generation.leaves, {
      k,
      probes: request.probes,
      rerankFactor: request.rerank_factor,
    });
    const searchTimes: number[] = [];
    const exactTimes: number[] = [];
    let recalls = 0;
    for (const row of rows) {
      const query: Query = { vector: options.vectors.read(live, row), k, ...plan, exact: false };
      const found = await timed(searchTimes, () => options.search.ask(live, query));
      const truth = await timed(exactTimes, () => options.search.ask(live, { ...query, exact: true }));
      recalls += recallOf(found, truth, row, request.k);
      await setTimeout(PAUSE_MS);
    }
    return {
      recall: recalls / rows.length,
      samples: rows.length,
      k: request.k,
      probes: plan.probes,
      rerank_factor: plan.rerankFactor,
      search: latency(searchTimes),
      exact: latency(exactTimes),
    };
  });
}

/** Share of the `k` nearest of `truth` that are in `found`; `self` is in neither. As near as the k-th counts as found. */
export function recallOf(found: Answer, truth: Answer, self: number, k: number): number {
  const others = nearestOf(truth, self).slice(0, k);
  const last = others.at(-1);
  if (last === undefined) return 1;
  const hits = nearestOf(found, self).slice(0, k);
  return hits.filter((distance) => distance <= last).length / others.length;
}

function nearestOf(answer: Answer, self: number): number[] {
  return Array.from(answer.distances).filter((_, index) => answer.rows[index] !== self);
}

/** Rows of distinct live positions, drawn evenly; fewer where fewer are found. */
function sampleRows({ view, served }: LiveView, count: number): number[] {
  const { generation } = served;
  const positions = view.slots + generation.pendingCount;
  const live = served.indexedCount + served.pendingCount;
  const random = seededRandom(positions);
  const rows = new Set<number>();
  const wanted = Math.min(count, live);
  for (let tries = 0; rows.size < wanted && tries < wanted * TRIES_PER_SAMPLE; tries++) {
    const position = Math.floor(random() * positions);
    if (!generation.isDead(position)) rows.add(generation.rowOf(position));
  }
  return [...rows];
}

async function timed(times: number[], ask: () => Promise<Answer>): Promise<Answer> {
  const startedAt = performance.now();
  const answer = await ask();
  times.push((performance.now() - startedAt) * 1000);
  return answer;
}

function latency(times: number[]): RecallReport['search'] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  const sum = times.reduce((total, time) => total + time, 0);
  return { mean_us: sum / times.length, p50_us: at(0.5), p99_us: at(0.99) };
}
