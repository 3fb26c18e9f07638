// Measures recall: stored points as queries, each left out of its own answer, or the caller's queries; the index's answer
// against the exact one. Main thread; the scans are the workers'.

import { setTimeout } from 'node:timers/promises';
import type { Metric } from '../contract/index-settings.js';
import type { RecallReport, RecallRequest } from '../contract/recall.js';
import { checkVector } from '../contract/vector.js';
import { ServiceError } from '../errors.js';
import type { MatchMask } from '../index/match-mask.js';
import type { Answer, Query } from '../index/query.js';
import { RECALL_SAMPLES_DEFAULT } from '../limits.js';
import type { CollectionSearch } from './collection-search.js';
import { PointDrawer } from './draw-points.js';
import type { Filters } from './filters.js';
import { planFor } from './plan-for.js';
import { type RecallSample, recallReportOf } from './recall-report.js';
import type { StoredVectors } from './stored-vectors.js';
import type { LiveView, Views } from './views.js';

/** A measurement makes room for searches after each sample. */
const PAUSE_MS = 1;

export interface RecallOptions {
  name: string;
  entry: { dimension: number; metric: Metric };
  views: Views;
  vectors: Pick<StoredVectors, 'read'>;
  search: Pick<CollectionSearch, 'ask'>;
  filters: Pick<Filters, 'mask'>;
}

/** A query to measure; `self` is the row it was read from, which is no part of its answer. */
interface Sampled {
  vector: Float32Array;
  self: number | undefined;
}

/** The next query to measure, on this view; undefined where there is no more. */
type Source = (live: LiveView) => Promise<Sampled | undefined>;

/**
 * Recall of the index search at the request's effort, and the latencies of both kinds of search, hop to the worker
 * included. Samples are the same for the same collection. Each runs on the view of its moment: a measurement that
 * takes long keeps no old index alive, and takes no point that has been deleted or replaced meanwhile.
 * @throws collection_empty; dimension_mismatch, vector_out_of_range, zero_vector, telling which vector it is
 */
export async function measureRecall(options: RecallOptions, request: RecallRequest): Promise<RecallReport> {
  const next = request.vectors ? givenVectors(options, request.vectors) : drawnPoints(options, request);
  if (livePoints(options.views.current) === 0) throw isEmpty(options);
  const samples: RecallSample[] = [];
  for (;;) {
    const sample = await options.views.use(async (live) => {
      const sampled = await next(live);
      return sampled && measureOne(options, request, live, sampled);
    });
    if (!sample) break;
    samples.push(sample);
    await setTimeout(PAUSE_MS);
  }
  const last = samples.at(-1);
  if (!last) throw isEmpty(options);
  return recallReportOf(samples, last, request.k);
}

function givenVectors({ entry }: RecallOptions, vectors: readonly Float32Array[]): Source {
  for (const [index, vector] of vectors.entries()) {
    try {
      checkVector(vector, entry.dimension, entry.metric);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new ServiceError(error.code, error.fields, [
        { path: `vectors[${index}]`, message: error.message },
      ]);
    }
  }
  let given = 0;
  return async () => {
    const vector = vectors[given++];
    return vector && { vector, self: undefined };
  };
}

function drawnPoints(
  { vectors }: RecallOptions,
  { samples = RECALL_SAMPLES_DEFAULT }: RecallRequest,
): Source {
  const drawer = new PointDrawer();
  return async (live) => {
    const row = drawer.count < samples ? await drawer.next(live) : undefined;
    return row === undefined ? undefined : { vector: vectors.read(live, row), self: row };
  };
}

async function measureOne(
  options: RecallOptions,
  request: RecallRequest,
  live: LiveView,
  { vector, self }: Sampled,
): Promise<RecallSample> {
  // One more, for the sample itself.
  const k = self === undefined ? request.k : request.k + 1;
  const { plan, mask, unindexedKeys } = await planOf(options, live, request);
  const query: Query = { vector, k, ...plan, ...(mask && { mask }) };
  const before = pointsStamp(live);
  const [found, searchUs] = await timed(() => options.search.ask(live, query));
  const [truth, exactUs] = await timed(() => options.search.ask(live, { ...query, exact: true }));
  return {
    recall: recallOf(found, truth, self, request.k),
    isShort: isShort(found, truth, self, request.k) && pointsStamp(live) === before,
    isPending: self !== undefined && self >= live.view.rowBase,
    way: found.stats.searchWay,
    ...{ searchUs, exactUs, probes: found.stats.probes, plan, unindexedKeys },
  };
}

/** Few points may match: that search is exact, and both are the same. */
async function planOf(
  { filters }: RecallOptions,
  live: LiveView,
  request: RecallRequest,
): Promise<Pick<RecallSample, 'plan' | 'unindexedKeys'> & { mask?: MatchMask }> {
  if (request.filter === undefined) return { plan: planFor(live, request), unindexedKeys: [] };
  const { mask, unindexedKeys } = await filters.mask(live.served, request.filter);
  return { plan: planFor(live, request, mask), mask, unindexedKeys };
}

/**
 * Share of the `k` nearest of `truth` that are in `found`; `self` is in neither. As near as the k-th counts as found, and
 * what a short answer lacks as missed: the share is of min(k, points there are to find).
 */
export function recallOf(found: Answer, truth: Answer, self: number | undefined, k: number): number {
  const others = nearestOf(truth, self).slice(0, k);
  const last = others.at(-1);
  if (last === undefined) return 1;
  const hits = nearestOf(found, self).slice(0, k);
  return hits.filter((distance) => distance <= last).length / others.length;
}

function isShort(found: Answer, truth: Answer, self: number | undefined, k: number): boolean {
  return nearestOf(found, self).length < Math.min(k, nearestOf(truth, self).length);
}

function nearestOf(answer: Answer, self: number | undefined): number[] {
  return Array.from(answer.distances).filter((_, index) => answer.rows[index] !== self);
}

/** Differs once a point of the view was inserted, replaced or deleted: answers before and after are of different points. */
export function pointsStamp({ served: { generation } }: LiveView): string {
  return `${generation.pendingCount} ${generation.deaths}`;
}

function livePoints({ served }: LiveView): number {
  return served.indexedCount + served.pendingCount;
}

function isEmpty({ name }: RecallOptions): ServiceError {
  return new ServiceError('collection_empty', { name });
}

/** The answer, and the microseconds it took. */
async function timed(ask: () => Promise<Answer>): Promise<[answer: Answer, microseconds: number]> {
  const startedAt = performance.now();
  const answer = await ask();
  return [answer, (performance.now() - startedAt) * 1000];
}
