// Searches of one collection as the main thread sees them: a request becomes a query, the answer's rows become points.

import type { Filter } from '../contract/filter.js';
import type { Metric } from '../contract/index-settings.js';
import { idKey, type PointId } from '../contract/points.js';
import type { SearchRequest, SearchResponse, SearchResult, SearchStats } from '../contract/search.js';
import { checkVector } from '../contract/vector.js';
import { unindexedWarnings } from '../contract/warnings.js';
import { ServiceError } from '../errors.js';
import { filterPredicate } from '../filter/predicate.js';
import { nextStep, withStepBefore } from '../index/next-step.js';
import type { SearchPlan } from '../index/plan.js';
import type { Answer, Query, SearchWay } from '../index/query.js';
import type { PointsStore } from '../storage/points-store.js';
import { yieldToLoop } from '../turns.js';
import type { Dispatcher } from './dispatcher.js';
import type { EndSignal } from './end-signal.js';
import type { Lane } from './fair-queue.js';
import type { SelectedMask } from './filters.js';
import { decodePayload } from './payloads.js';
import { planFor, shapeOf } from './plan-for.js';
import type { ReplySize } from './reply-room.js';
import { compareHits, passes, scoreOf } from './scores.js';
import type { ServedGeneration } from './served-generation.js';
import { isLong, partCount, queryNs } from './split.js';
import type { StoredVectors } from './stored-vectors.js';
import type { LiveView, Views } from './views.js';

/** What is filled in between two turns of the event loop: results, those with large payloads counting more. */
const RESULTS_PER_TURN = 64;
const PAYLOAD_BYTES_PER_RESULT = 2048;
/** What a result takes beside its id, vector and payload. */
const RESULT_BYTES = 40;
/** Answers asked for at most, while points are replaced between the scan and the look-up of ids. */
const ATTEMPTS_MAX = 8;

export interface CollectionSearchOptions {
  /** Unique in the process: collections take turns on the search threads. */
  collection: string;
  dimension: number;
  metric: Metric;
  store: PointsStore;
  views: Views;
  vectors: StoredVectors;
  dispatcher: Dispatcher;
  /** Which rows meet a filter. */
  mask(served: ServedGeneration, filter: Filter): Promise<SelectedMask>;
  /** Told of each search that the index has answered. */
  searched(request: SearchRequest, query: Query): void;
}

/** Who a search is for. */
export interface Caller {
  /** Part of a batch: single searches do not wait for all of it. */
  isBatch?: boolean;
  /** Aborted when nobody waits for the answer any more. */
  signal?: EndSignal | undefined;
  /** Counts what the results will hold. */
  reply?: ReplySize | undefined;
}

/** One point of an answer. */
export interface Hit {
  id: PointId;
  key: string;
  row: number;
  distance: number;
}

export class CollectionSearch {
  readonly #options: CollectionSearchOptions;

  constructor(options: CollectionSearchOptions) {
    this.#options = options;
  }

  /**
   * The nearest points by the request.
   * @throws dimension_mismatch, vector_out_of_range, zero_vector, point_not_found, reply_too_large, too_many_requests,
   * overloaded; the reason of the caller's signal
   */
  async search(request: SearchRequest, caller: Caller = {}): Promise<SearchResponse> {
    const startedAt = performance.now();
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === ATTEMPTS_MAX;
      const response = await this.#options.views.use((live) =>
        this.#attempt(live, request, { caller, startedAt, isLast }),
      );
      if (response) return response;
    }
  }

  /** The points of an answer, nearest first, without `self`; fewer than asked for where rows died meanwhile. */
  hitsOf(answer: Answer, self?: string): { hits: Hit[]; vanished: number } {
    const hits: Hit[] = [];
    let vanished = 0;
    for (const [index, row] of answer.rows.entries()) {
      const id = this.#options.store.rowId(row);
      if (id === undefined) {
        vanished++;
        continue;
      }
      const key = idKey(id);
      if (key !== self) hits.push({ id, key, row, distance: answer.distances[index] as number });
    }
    hits.sort(compareHits);
    return { hits, vanished };
  }

  /**
   * Runs a query on the pool, and what has to follow where its answer is in doubt: fewer than k come back only when fewer are there, or
   * match. The last answer tells how it went, with the work of all of them.
   */
  async ask(live: LiveView, query: Query, caller: Caller = {}): Promise<Answer> {
    const shape = shapeOf(live);
    let before: Answer | undefined;
    for (let step = query; ; ) {
      const alone = await this.#askOnce(live, step, caller);
      const answer = before === undefined ? alone : withStepBefore(before, alone, step);
      const findable = answer.stats.matches ?? live.served.indexedCount + live.served.pendingCount;
      const next = nextStep(shape, step, answer, findable);
      if (next === undefined) return answer;
      before = answer;
      step = next;
    }
  }

  /** In parts where that is faster, or where it would hold a thread for long. */
  #askOnce(live: LiveView, query: Query, { isBatch, signal }: Caller): Promise<Answer> {
    const { collection, dispatcher } = this.#options;
    const costNs = queryNs(live, query);
    const lane: Lane = isLong(costNs) ? 'scan' : isBatch ? 'batch' : 'search';
    const errand = { collection, lane, costNs, signal };
    const parts = partCount(costNs, dispatcher.idleThreads);
    if (parts === 1) return dispatcher.search(live.view, query, errand);
    const { pendingCount, encodedCount } = live.served.generation;
    return dispatcher.searchInParts(live.view, query, parts, { pendingCount, encodedCount }, errand);
  }

  /** The vector to search for; `self` is the point it is taken from, which is no result. */
  #target(live: LiveView, request: SearchRequest): { vector: Float32Array; self: string | undefined } {
    const { dimension, metric, store, vectors } = this.#options;
    if (request.vector !== undefined) {
      checkVector(request.vector, dimension, metric);
      return { vector: request.vector, self: undefined };
    }
    const id = request.id as PointId;
    const record = store.get(idKey(id));
    if (!record) throw new ServiceError('point_not_found', { id });
    return { vector: vectors.readPoint(live, record), self: idKey(id) };
  }

  async #query(
    live: LiveView,
    request: SearchRequest,
    vector: Float32Array,
    self: string | undefined,
  ): Promise<{ query: Query; unindexedKeys: string[] }> {
    // Planned as well for one more: the point itself is always found.
    const k = self === undefined ? request.k : request.k + 1;
    if (request.filter === undefined)
      return { query: queryOf(vector, k, planFor(live, request), request), unindexedKeys: [] };
    const { mask, unindexedKeys } = await this.#options.mask(live.served, request.filter);
    const plan = planFor(live, request, mask);
    return { query: { ...queryOf(vector, k, plan, request), mask }, unindexedKeys };
  }

  /**
   * One search of one view. Undefined when points of the answer were replaced or deleted before their ids were looked
   * up, unless it is the last attempt: what replaced them may lie in a file that only the next view knows.
   */
  async #attempt(
    live: LiveView,
    request: SearchRequest,
    { caller, startedAt, isLast }: { caller: Caller; startedAt: number; isLast: boolean },
  ): Promise<SearchResponse | undefined> {
    if (caller.signal?.aborted) throw caller.signal.reason;
    const { vector, self } = this.#target(live, request);
    const { query, unindexedKeys } = await this.#query(live, request, vector, self);
    const answer = await this.ask(live, query, caller);
    // A search by id is no sample: its own point would be found in any case.
    if (!query.exact && self === undefined && query.mask === undefined)
      this.#options.searched(request, query);
    const { hits, vanished } = this.#matching(live, query, this.hitsOf(answer, self), request.filter);
    if (hits.length < request.k && vanished > 0 && !isLast) return undefined;
    const results = await this.#fill(live, hits.slice(0, request.k), request, caller.reply);
    const response: SearchResponse = { results, ...unindexedWarnings(unindexedKeys) };
    if (request.with_stats)
      response.stats = {
        way: answer.stats.searchWay,
        ...statsOf(live, answer, performance.now() - startedAt, unindexedKeys),
      };
    return response;
  }

  /** Without those that are newer than the filter's mask and do not meet it. */
  #matching(
    { served }: LiveView,
    { mask }: Query,
    found: { hits: Hit[]; vanished: number },
    filter: Filter | undefined,
  ): { hits: Hit[]; vanished: number } {
    if (mask === undefined || filter === undefined) return found;
    const knownEnd = served.generation.rowBase + mask.pendingCount;
    if (found.hits.every(({ row }) => row < knownEnd)) return found;
    const meets = filterPredicate(filter);
    const hits = found.hits.filter(({ id, key, row }) => {
      const record = row < knownEnd ? undefined : this.#options.store.get(key);
      if (row < knownEnd || record === undefined) return row < knownEnd;
      return record.row === row && meets(id, record.payload && decodePayload(record.payload));
    });
    return { hits, vanished: found.vanished + found.hits.length - hits.length };
  }

  async #fill(
    live: LiveView,
    hits: Hit[],
    request: SearchRequest,
    reply: ReplySize | undefined,
  ): Promise<SearchResult[]> {
    const { dimension, metric, vectors } = this.#options;
    const vectorBytes = request.with_vector ? dimension * Float32Array.BYTES_PER_ELEMENT : 0;
    const results: SearchResult[] = [];
    let work = 0;
    for (const hit of hits) {
      const score = scoreOf(metric, hit.distance);
      if (request.score_threshold !== undefined && !passes(metric, score, request.score_threshold)) break;
      const payload = request.with_payload ? this.#payload(hit) : null;
      reply?.add(RESULT_BYTES + hit.key.length + vectorBytes + (payload?.byteLength ?? 0));
      const result: SearchResult = { id: hit.id, score };
      if (request.with_vector) result.vector = vectors.read(live, hit.row);
      if (payload) result.payload = decodePayload(payload);
      results.push(result);
      work += 1 + (payload?.byteLength ?? 0) / PAYLOAD_BYTES_PER_RESULT;
      if (work < RESULTS_PER_TURN) continue;
      work = 0;
      await yieldToLoop();
    }
    return results;
  }

  /** Null where there is none, or where the point was replaced since the scan. */
  #payload(hit: Hit): Uint8Array | null {
    const record = this.#options.store.get(hit.key);
    return record?.row === hit.row ? record.payload : null;
  }
}

function queryOf(vector: Float32Array, k: number, plan: SearchPlan, { exact }: SearchRequest): Query {
  return { vector, k, ...plan, exact: exact || plan.exact };
}

/** The words that answers to filtered searches have for it. */
const FILTER_WAYS = {
  exact: 'exact',
  probes: 'probes',
  widened: 'probes',
  compared_all: 'all_leaves',
} as const satisfies Record<SearchWay, string>;

/** Stage times are those of the worker; `total` is what the caller waited for inside the engine. */
function statsOf(
  { served }: LiveView,
  { stats }: Answer,
  totalMs: number,
  unindexedKeys: string[],
): Omit<SearchStats, 'way'> {
  const { matches, searchWay } = stats;
  return {
    ...(matches !== undefined && {
      filter: { matches, way: FILTER_WAYS[searchWay], unindexed_keys: unindexedKeys },
    }),
    probes: stats.probes,
    leaves: stats.leaves,
    vectors_scanned: stats.vectorsScanned,
    vectors_reranked: stats.vectorsReranked,
    generation: served.number,
    microseconds: {
      prepare: tenths(stats.prepareUs),
      rank: tenths(stats.rankUs),
      scan: tenths(stats.scanUs),
      rerank: tenths(stats.rerankUs),
      total: tenths(totalMs * 1000),
    },
  };
}

/** What is finer is noise of the clock. */
function tenths(microseconds: number): number {
  return Math.round(microseconds * 10) / 10;
}
