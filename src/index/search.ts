// Search of one generation by one worker thread: the stages, top to bottom.

import type { Kernels } from '../kernels/kernels.js';
import { CANDIDATES_MAX } from '../limits.js';
import { ExactScanner } from './exact-scan.js';
import type { Generation } from './generation.js';
import { MaskNarrower } from './narrow-mask.js';
import { loadQuery, prepareCodes } from './prepare-query.js';
import type { Answer, PositionReader, Query, QueryPart, QueryStats } from './query.js';
import { LeafRanker } from './rank-leaves.js';
import { MatchingRanker } from './rank-matching.js';
import { crowdingAt, rerank } from './rerank.js';
import { CodeScanner } from './scan.js';
import { type Scratch, TIES_MAX } from './scratch.js';

/** Of the leaves that a search under a filter scans, where it looks at what it has found. */
const LOOKED_AT_SHARES = [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4];

/** What a thread compares exactly: its slots and pending rows. */
interface ExactShare {
  k: number;
  /** Of the loaded query; prepare-query.ts. */
  scale: number;
  slots: [number, number];
  rows: [number, number];
}

/** For high targets what was not kept must be so many times the width of its error bound beyond the k-th: 2.85 deviations. */
const SURE_WIDTHS = 1.5;

const WHOLE: QueryPart = { index: 0, count: 1 };

export class Searcher {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #reader: PositionReader;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;
  readonly #matchingRanker: MatchingRanker;
  readonly #scanner: CodeScanner;
  readonly #exact: ExactScanner;
  readonly #narrower: MaskNarrower;

  constructor(generation: Generation, kernels: Kernels, reader: PositionReader, scratch: Scratch) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#reader = reader;
    this.#scratch = scratch;
    this.#ranker = new LeafRanker(generation, kernels, scratch);
    this.#scanner = new CodeScanner(generation, kernels, scratch);
    this.#matchingRanker = new MatchingRanker(generation, scratch, this.#ranker, this.#scanner);
    this.#exact = new ExactScanner(generation, kernels, scratch, reader);
    this.#narrower = new MaskNarrower(generation, kernels, scratch, this.#ranker);
  }

  /** The nearest rows to the query, or to its share of the work. Fewer than k only if fewer are live in what was scanned. */
  search(query: Query, part: QueryPart = WHOLE): Answer {
    const { nearest, candidates, mask } = this.#scratch;
    const { filter } = query;
    const { slots } = this.#generation;
    const stats = emptyStats();
    const clock = stopwatch();
    if (filter !== undefined) {
      mask.load(filter.mask, this.#kernels);
      stats.matches = mask.matches;
    }
    nearest.reset(query.k + TIES_MAX);
    const { precision } = this.#reader;
    const scale = loadQuery(query.vector, precision, this.#generation, this.#kernels, this.#scratch);
    if (query.exact) {
      const { pending } = this.#pending(query, part);
      const rows = share(pending, part);
      if (query.within !== undefined)
        return this.#searchWithin(
          query.within,
          { k: query.k, scale, slots: share(slots, part), rows },
          stats,
        );
      if (filter !== undefined) stats.way = 'exact';
      stats.prepareUs = clock();
      stats.vectorsScanned = this.#scanExactly(share(slots, part), rows, filter !== undefined);
      stats.scanUs = clock();
      return this.#answer(query.k, scale, stats);
    }

    const { originReady } = this.#generation;
    prepareCodes(this.#generation, this.#kernels, this.#scratch);
    stats.prepareUs = clock();

    stats.probes = this.#rank(query, stats);
    stats.rankUs = clock();

    // Rounding may take a factor that was cut to CANDIDATES_MAX / k one candidate beyond it.
    candidates.reset(Math.min(CANDIDATES_MAX, Math.ceil(query.k * query.rerankFactor)));
    const leaves = this.#scanner.keepPart(stats.probes, part);
    stats.vectorsScanned = this.#scanLeaves(leaves, query, stats);
    if (stats.crowdedAt !== undefined) return this.#answer(query.k, scale, stats);
    // Counted now: what died before it was scanned, its successor is among these.
    const { pending, encoded: known } = this.#pending(query, part);
    // Codes that came with the origin while the query was prepared are not for its tables.
    const encoded = originReady ? known : 0;
    const tail = share(pending - encoded, part);
    stats.vectorsScanned += this.#scanner.scanPending(encoded, part, filter !== undefined);
    this.#exact.scanPending(encoded + tail[0], encoded + tail[1], filter !== undefined);
    stats.vectorsScanned += tail[1] - tail[0];
    stats.scanUs = clock();

    this.#kernels.finishBuffer(nearest.address);
    this.#rerank(query, stats);
    const answer = this.#answer(query.k, scale, stats);
    stats.rerankUs = clock();
    return answer;
  }

  /** Pending rows to look at, and how many of them have codes. */
  #pending({ filter }: Query, { counts }: QueryPart): { pending: number; encoded: number } {
    const { pendingCount, encodedCount } = counts ?? this.#generation;
    const known =
      filter === undefined ? pendingCount : Math.min(pendingCount, this.#scratch.mask.pendingCount);
    const pending = Math.min(known, this.#reader.pendingEnd);
    return { pending, encoded: Math.min(encodedCount, pending) };
  }

  /** Takes what the codes put beyond `within` out of the mask, and compares what is left of it, and all pending rows. */
  #searchWithin(within: number, { k, scale, slots, rows }: ExactShare, stats: QueryStats): Answer {
    const clock = stopwatch();
    prepareCodes(this.#generation, this.#kernels, this.#scratch);
    stats.prepareUs = clock();
    const { leaves, vectors } = this.#narrower.narrow(within * scale, slots);
    stats.way = 'all_leaves';
    stats.probes = leaves;
    stats.vectorsScanned = vectors;
    stats.scanUs = clock();
    stats.vectorsReranked = this.#exact.scanMatches(slots, rows);
    const answer = this.#answer(k, scale, stats);
    stats.rerankUs = clock();
    return answer;
  }

  /** All full vectors of these slots and pending rows, or those that match. Returns how many. */
  #scanExactly(slots: [number, number], rows: [number, number], isFiltered: boolean): number {
    if (isFiltered) return this.#exact.scanMatches(slots, rows);
    this.#exact.scanSlots(...slots);
    this.#exact.scanPending(...rows);
    return slots[1] - slots[0] + rows[1] - rows[0];
  }

  /** Writes the entries of the leaves to scan; returns their number. */
  #rank({ k, probes, probeShare = 1, filter }: Query, stats: QueryStats): number {
    if (filter === undefined) return this.#ranker.rank(probes, probeShare);
    const { entries, way } = this.#matchingRanker.rank(filter.efforts, k);
    stats.way = way;
    return entries;
  }

  /** Leaves that have matches at all are many: it is looked early whether the matches crowd, so that nothing will come of it. */
  #scanLeaves(count: number, { k, filter }: Query, stats: QueryStats): number {
    let first = 0;
    let scanned = 0;
    const mayEnd = stats.way === 'all_leaves' && filter?.whenCrowded !== 'accept';
    for (const share of mayEnd ? LOOKED_AT_SHARES : []) {
      const end = Math.floor(share * count);
      scanned += this.#scanner.scanLeaves(first, end);
      first = end;
      const { settings } = this.#generation;
      const crowdedAt = crowdingAt(k, settings, this.#kernels, this.#scratch, this.#reader);
      if (crowdedAt === undefined) continue;
      stats.crowdedAt = crowdedAt;
      return scanned;
    }
    return scanned + this.#scanner.scanLeaves(first, count);
  }

  #rerank({ k, filter }: Query, stats: QueryStats): void {
    const { settings } = this.#generation;
    const reranked = rerank(k, settings, this.#kernels, this.#scratch, this.#reader);
    stats.vectorsReranked = reranked.count;
    if (filter === undefined || filter.whenCrowded === 'accept') return;
    if (reranked.crowdedAt !== undefined) stats.crowdedAt = reranked.crowdedAt;
    const widths = filter.whenCrowded === 'narrow' ? 1 : SURE_WIDTHS;
    if (reranked.reserve < widths) stats.wantsCandidates = true;
  }

  /** The first k of `nearest`, and beyond them what is as near as the k-th. */
  #answer(k: number, scale: number, stats: QueryStats): Answer {
    const { nearest } = this.#scratch;
    this.#kernels.finishBuffer(nearest.address);
    const sorted = Math.min(nearest.count, k + TIES_MAX);
    this.#kernels.sortBuffer(nearest.address, sorted);
    let count = Math.min(k, sorted);
    while (count > 0 && count < sorted && nearest.estimateAt(count) === nearest.estimateAt(k - 1)) count++;
    const rows = new Uint32Array(count);
    const distances = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      rows[i] = this.#generation.rowOf(nearest.positionAt(i));
      distances[i] = nearest.estimateAt(i) / scale;
    }
    stats.leaves = this.#generation.leaves;
    if (stats.crowdedAt !== undefined) stats.crowdedAt /= scale;
    return { rows, distances, stats };
  }
}

/** [first, end) of part `index` when `count` things are shared out. */
function share(count: number, part: QueryPart): [number, number] {
  return [Math.floor((count * part.index) / part.count), Math.floor((count * (part.index + 1)) / part.count)];
}

function emptyStats(): QueryStats {
  return {
    probes: 0,
    leaves: 0,
    vectorsScanned: 0,
    vectorsReranked: 0,
    prepareUs: 0,
    rankUs: 0,
    scanUs: 0,
    rerankUs: 0,
  };
}

/** Microseconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const microseconds = (now - last) * 1000;
    last = now;
    return microseconds;
  };
}
