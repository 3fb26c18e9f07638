// Measures recall: stored points as queries, each left out of its own answer, the index's answer against the exact one.
// Main thread; the scans are the workers'.

import { setTimeout } from 'node:timers/promises';
import type { RecallReport, RecallRequest } from '../contract/recall.js';
import { unindexedWarnings } from '../contract/warnings.js';
import { ServiceError } from '../errors.js';
import type { SearchPlan } from '../index/plan.js';
import type { Answer, Query } from '../index/query.js';
import { seededRandom } from '../index/random.js';
import type { CollectionSearch } from './collection-search.js';
import type { Filters } from './filters.js';
import { planFilteredFor, planFor } from './plan-for.js';
import type { StoredVectors } from './stored-vectors.js';
import type { LiveView, Views } from './views.js';

/** Positions tried for each sample before the collection counts as nearly empty. */
const TRIES_PER_SAMPLE = 50;
/** A measurement makes room for searches after each sample. */
const PAUSE_MS = 1;

export interface RecallOptions {
  name: string;
  views: Views;
  vectors: Pick<StoredVectors, 'read'>;
  search: Pick<CollectionSearch, 'ask'>;
  filters: Pick<Filters, 'mask'>;
}

interface Sample {
  recall: number;
  searchUs: number;
  exactUs: number;
  probes: number;
  plan: SearchPlan;
  unindexedKeys: string[];
}

/**
 * Recall of the index search at the request's effort, and the latencies of both kinds of search, hop to the worker
 * included. Samples are the same for the same collection. Each runs on the view of its moment: a measurement that
 * takes long keeps no old index alive, and takes no point that has been deleted or replaced meanwhile.
 * @throws collection_empty
 */
export async function measureRecall(options: RecallOptions, request: RecallRequest): Promise<RecallReport> {
  const sampler = new Sampler(options.views.current, request.samples);
  const samples: Sample[] = [];
  for (;;) {
    const sample = await options.views.use((live) => measureOne(options, request, live, sampler.next(live)));
    if (!sample) break;
    samples.push(sample);
    await setTimeout(PAUSE_MS);
  }
  const last = samples.at(-1);
  if (!last) throw new ServiceError('collection_empty', { name: options.name });
  return {
    recall: samples.reduce((sum, { recall }) => sum + recall, 0) / samples.length,
    samples: samples.length,
    k: request.k,
    probes: samples.reduce((sum, { probes }) => sum + probes, 0) / samples.length,
    rerank_factor: last.plan.rerankFactor,
    search: latency(samples.map(({ searchUs }) => searchUs)),
    exact: latency(samples.map(({ exactUs }) => exactUs)),
    ...unindexedWarnings(last.unindexedKeys),
  };
}

async function measureOne(
  options: RecallOptions,
  request: RecallRequest,
  live: LiveView,
  row: number | undefined,
): Promise<Sample | undefined> {
  if (row === undefined) return undefined;
  // One more, for the sample itself.
  const k = request.k + 1;
  const { plan, unindexedKeys } = await planOf(options, live, request);
  const query: Query = { vector: options.vectors.read(live, row), k, ...plan };
  const [found, searchUs] = await timed(() => options.search.ask(live, query));
  const [truth, exactUs] = await timed(() => options.search.ask(live, { ...query, exact: true }));
  const { probes } = found.stats;
  return { recall: recallOf(found, truth, row, request.k), searchUs, exactUs, probes, plan, unindexedKeys };
}

/** Few points may match: that search is exact, and both are the same. */
async function planOf(
  { filters }: RecallOptions,
  live: LiveView,
  request: RecallRequest,
): Promise<Pick<Sample, 'plan' | 'unindexedKeys'>> {
  if (request.filter === undefined) return { plan: planFor(live, request), unindexedKeys: [] };
  const { mask, unindexedKeys } = await filters.mask(live.served, request.filter);
  return { plan: planFilteredFor(live, request, mask), unindexedKeys };
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

/** Draws distinct live rows, evenly over the positions of the view they are drawn from. */
class Sampler {
  readonly #random: () => number;
  readonly #drawn = new Set<number>();
  readonly #wanted: number;
  #triesLeft: number;

  constructor({ view, served }: LiveView, count: number) {
    this.#random = seededRandom(view.slots + served.generation.pendingCount);
    this.#wanted = Math.min(count, served.indexedCount + served.pendingCount);
    this.#triesLeft = this.#wanted * TRIES_PER_SAMPLE;
  }

  /** Undefined once there are enough, or no further one was found. */
  next({ view, served: { generation } }: LiveView): number | undefined {
    if (this.#drawn.size >= this.#wanted) return undefined;
    const positions = view.slots + generation.pendingCount;
    while (this.#triesLeft-- > 0) {
      const position = Math.floor(this.#random() * positions);
      const row = generation.rowOf(position);
      if (generation.isDead(position) || this.#drawn.has(row)) continue;
      this.#drawn.add(row);
      return row;
    }
    return undefined;
  }
}

/** The answer, and the microseconds it took. */
async function timed(ask: () => Promise<Answer>): Promise<[answer: Answer, microseconds: number]> {
  const startedAt = performance.now();
  const answer = await ask();
  return [answer, (performance.now() - startedAt) * 1000];
}

function latency(times: number[]): RecallReport['search'] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  const sum = times.reduce((total, time) => total + time, 0);
  return { mean_us: sum / times.length, p50_us: at(0.5), p99_us: at(0.99) };
}
