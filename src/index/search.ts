// Search of one generation by one worker thread: the stages, top to bottom.

import type { Kernels } from '../kernels/kernels.js';
import { CANDIDATES_MAX } from '../limits.js';
import { ExactScanner } from './exact-scan.js';
import type { Generation } from './generation.js';
import { loadQuery, prepareCodes } from './prepare-query.js';
import type { Answer, PositionReader, Query, QueryPart, QueryStats } from './query.js';
import { LeafRanker } from './rank-leaves.js';
import { rerank } from './rerank.js';
import { CodeScanner } from './scan.js';
import { type Scratch, TIES_MAX } from './scratch.js';

const WHOLE: QueryPart = { index: 0, count: 1 };

export class Searcher {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #reader: PositionReader;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;
  readonly #scanner: CodeScanner;
  readonly #exact: ExactScanner;

  constructor(generation: Generation, kernels: Kernels, reader: PositionReader, scratch: Scratch) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#reader = reader;
    this.#scratch = scratch;
    this.#ranker = new LeafRanker(generation, kernels, scratch);
    this.#scanner = new CodeScanner(generation, kernels, scratch);
    this.#exact = new ExactScanner(generation, kernels, scratch, reader);
  }

  /** The nearest rows to the query, or to its share of the work. Fewer than k only if fewer are live in what was scanned. */
  search(query: Query, part: QueryPart = WHOLE): Answer {
    const { nearest, candidates } = this.#scratch;
    const { slots } = this.#generation;
    const { pendingCount, encodedCount } = part.counts ?? this.#generation;
    const pending = Math.min(pendingCount, this.#reader.pendingEnd);
    const stats = emptyStats();
    const clock = stopwatch();
    nearest.reset(query.k + TIES_MAX);
    const { precision } = this.#reader;
    const scale = loadQuery(query.vector, precision, this.#generation, this.#kernels, this.#scratch);
    if (query.exact) {
      stats.prepareUs = clock();
      const [firstSlot, endSlot] = share(slots, part);
      const [firstRow, endRow] = share(pending, part);
      this.#exact.scanSlots(firstSlot, endSlot);
      this.#exact.scanPending(firstRow, endRow);
      stats.vectorsScanned = endSlot - firstSlot + endRow - firstRow;
      stats.scanUs = clock();
      return this.#answer(query.k, scale, stats);
    }

    prepareCodes(this.#generation, this.#kernels, this.#scratch);
    stats.prepareUs = clock();

    const leaves = this.#ranker.rank(query.probes, query.probeShare ?? 1);
    stats.probes = leaves;
    stats.rankUs = clock();

    const encoded = Math.min(encodedCount, pending);
    const tail = share(pending - encoded, part);
    // Rounding may take a factor that was cut to CANDIDATES_MAX / k one candidate beyond it.
    candidates.reset(Math.min(CANDIDATES_MAX, Math.ceil(query.k * query.rerankFactor)));
    stats.vectorsScanned = this.#scanner.scanLeaves(leaves, part);
    stats.vectorsScanned += this.#scanner.scanPending(encoded, part);
    this.#exact.scanPending(encoded + tail[0], encoded + tail[1]);
    stats.vectorsScanned += tail[1] - tail[0];
    stats.scanUs = clock();

    this.#kernels.finishBuffer(nearest.address);
    stats.vectorsReranked = rerank(
      query.k,
      this.#generation.settings,
      this.#kernels,
      this.#scratch,
      this.#reader,
    );
    const answer = this.#answer(query.k, scale, stats);
    stats.rerankUs = clock();
    return answer;
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
