// Search of one generation by one worker thread: the stages, top to bottom.

import type { Kernels } from '../kernels/kernels.js';
import { CANDIDATES_MAX } from '../limits.js';
import { UNCALIBRATED_CANDIDATES, UNCALIBRATED_FACTOR } from './bound-widths.js';
import type { Tightened } from './candidate-buffer.js';
import { type ChosenLeaves, LeafChooser } from './choose-leaves.js';
import { ExactScanner } from './exact-scan.js';
import { REMOTENESS_MAX } from './expected-hits.js';
import { FurtherLeaves } from './further-leaves.js';
import type { Generation } from './generation.js';
import type { Findable } from './leaf-counts.js';
import { LeafSampler } from './leaf-sampler.js';
import { loadQuery, prepareCodes } from './prepare-query.js';
import type { Answer, Doubt, PositionReader, Query, QueryPart, QueryStats } from './query.js';
import { LeafRanker } from './rank-leaves.js';
import { ReachedLeaves } from './reached-leaves.js';
import { kthDistance, type Reranked, rerank } from './rerank.js';
import { RestOfPending } from './rest-of-pending.js';
import { CodeScanner } from './scan.js';
import { type Scratch, TIES_MAX } from './scratch.js';
import { WithinSearcher } from './within.js';
import { WithinLister } from './within-lister.js';

/** In error bounds: see `tightenedFor`. */
const KTH_WIDTHS = 0.8;

const WHOLE: QueryPart = { index: 0, count: 1 };

export class Searcher {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #reader: PositionReader;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;
  readonly #chooser: LeafChooser;
  readonly #scanner: CodeScanner;
  readonly #reached: ReachedLeaves;
  readonly #exact: ExactScanner;
  readonly #within: WithinSearcher;
  readonly #further: FurtherLeaves;
  readonly #rest: RestOfPending;

  constructor(generation: Generation, kernels: Kernels, reader: PositionReader, scratch: Scratch) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#reader = reader;
    this.#scratch = scratch;
    this.#ranker = new LeafRanker(generation, kernels, scratch);
    this.#scanner = new CodeScanner(generation, kernels, scratch);
    this.#chooser = new LeafChooser(generation, scratch, this.#ranker, this.#scanner);
    this.#reached = new ReachedLeaves(generation, kernels, scratch);
    this.#exact = new ExactScanner(generation, kernels, scratch, reader);
    const lister = new WithinLister(generation, kernels, reader, { scratch, scanner: this.#scanner });
    const leafSampler = new LeafSampler(generation, scratch, this.#scanner);
    const shared = { scratch, ranker: this.#ranker, scanner: this.#scanner, reached: this.#reached };
    const stages = { ...shared, lister, leafSampler };
    this.#within = new WithinSearcher(stages);
    this.#further = new FurtherLeaves(kernels, stages);
    this.#rest = new RestOfPending(generation, kernels, stages, (query, stats) => this.#rerank(query, stats));
  }

  /**
   * The nearest rows to the query, or to its share of the work. Fewer than k only if fewer are live in what was scanned. Whether
   * that was enough `stats.doubt` tells; what follows then `next-step.ts` says.
   */
  search(query: Query, part: QueryPart = WHOLE): Answer {
    const { nearest, mask } = this.#scratch;
    const stats = emptyStats();
    const clock = stopwatch();
    // Rows that get their codes from here on are compared exactly: what is counted of leaves may not have them, and there may be no
    // origin yet.
    const { encodedCount } = this.#generation;
    if (query.mask !== undefined) {
      mask.load(query.mask, this.#kernels);
      stats.matches = mask.matches;
    }
    nearest.reset(query.k + TIES_MAX);
    const { precision } = this.#reader;
    const scale = loadQuery(query.vector, precision, this.#generation, this.#kernels, this.#scratch);
    if (query.exact) this.#searchExactly(query, part, { stats, clock });
    else if (query.doubt !== undefined)
      this.#lookAgain(query, query.doubt, part, { stats, clock, scale, encodedCount });
    else this.#searchLeaves(query, part, { stats, clock, scale, encodedCount });
    return this.#answer(query.k, scale, stats);
  }

  #searchExactly(query: Query, part: QueryPart, { stats, clock }: Run): void {
    const { slots } = this.#generation;
    const { pending } = this.#pending(query, part);
    const [first, end] = share(slots, part);
    const rows = share(pending, part);
    stats.searchWay = 'exact';
    stats.prepareUs = clock();
    if (query.mask === undefined) {
      this.#exact.scanSlots(first, end);
      this.#exact.scanPending(...rows);
      stats.vectorsScanned = end - first + rows[1] - rows[0];
    } else stats.vectorsScanned = this.#exact.scanMatches([first, end], rows);
    stats.scanUs = clock();
  }

  /** Ranks, scans and reranks. */
  #searchLeaves(asked: Query, part: QueryPart, { stats, clock, scale, encodedCount }: CodesRun): void {
    const { candidates } = this.#scratch;
    prepareCodes(this.#generation, this.#kernels, this.#scratch);
    stats.prepareUs = clock();

    const findable = this.#findable(asked);
    const chosen = this.#chooser.choose(asked, findable);
    // Sign codes have no bounds that could be wider.
    const isSign = this.#generation.settings.quantizer === 'sign';
    const query = isSign || isUsual(asked, chosen, encodedCount) ? asked : widened(asked);
    if (chosen.isAll && query.efforts !== undefined) stats.searchWay = 'compared_all';
    stats.probes = chosen.entries;
    this.#prepareEntries(query, chosen, encodedCount);
    stats.rankUs = clock();

    // Rounding may take a factor that was cut to CANDIDATES_MAX / k one candidate beyond it.
    const keep = Math.min(CANDIDATES_MAX, Math.ceil(query.k * query.rerankFactor));
    // What tightening loses the calibration has not seen, as it has not seen queries that are widened.
    const isTightened = query === asked && query.isCapped === false;
    candidates.reset(keep, isTightened ? tightenedFor(query) : undefined);
    stats.vectorsScanned = this.#scanner.scanLeaves(0, this.#scanner.keepPart(chosen.entries, part));
    stats.vectorsScanned += this.#scanPending(query, part, encodedCount);
    stats.scanUs = clock();

    this.#kernels.finishBuffer(this.#scratch.nearest.address);
    const { reserve } = this.#rerank(query, stats);
    const { encoded } = this.#pending(query, part, encodedCount);
    const soFar = { part, entries: chosen.entries, counts: findable.counts };
    const missed = this.#further.search(query, { ...soFar, effort: chosen.effort }, stats);
    this.#rest.search(query, { ...soFar, encoded }, stats);
    const doubt = this.#doubt(query, { chosen, reserve, missed });
    if (doubt) stats.doubt = { ...doubt, within: doubt.within / scale };
    stats.rerankUs = clock();
  }

  #lookAgain(query: Query, doubt: Doubt, part: QueryPart, run: CodesRun): void {
    const { stats, clock, scale, encodedCount } = run;
    const { missedMax = 0, boundWidths = 1, k, probes, mask } = query;
    const widths = boundWidths * UNCALIBRATED_FACTOR;
    prepareCodes(this.#generation, this.#kernels, this.#scratch);
    stats.prepareUs = clock();
    const findable = this.#findable(query);
    const { encoded } = this.#pending(query, part, encodedCount);
    const within = doubt.within * scale;
    const found = doubt.found?.map((distance) => distance * scale) ?? new Float32Array();
    const isFiltered = mask !== undefined;
    const looked = { ...doubt, within, found, k, probes, widths, missedMax, isFiltered, encoded, part };
    this.#within.search(looked, findable, stats);
    stats.scanUs = clock();
  }

  #findable({ mask }: Query): Findable {
    if (mask !== undefined) return this.#scratch.mask;
    this.#scratch.live.refresh(this.#kernels);
    return this.#scratch.live;
  }

  /** Lets the scan of the chosen leaves leave out what a filter excludes, and that of pending rows know which leaves these are. */
  #prepareEntries(query: Query, { entries }: ChosenLeaves, encodedCount: number): void {
    const { leafWords, mask, nodes } = this.#scratch;
    if (query.mask !== undefined) for (let i = 0; i < entries; i++) mask.mask(leafWords, i);
    if (encodedCount === 0) return;
    this.#reached.begin();
    this.#reached.leaveOut();
    for (let i = 0; i < entries; i++) this.#reached.add(nodes.positionAt(i), i);
  }

  /** By their codes, and those that have none yet by their full vectors. */
  #scanPending(query: Query, part: QueryPart, encodedCount: number): number {
    const isFiltered = query.mask !== undefined;
    // Counted now: what died before it was scanned, its successor is among these.
    const { pending, encoded } = this.#pending(query, part, encodedCount);
    const scanned = this.#scanner.scanPending(encoded, part, isFiltered);
    const [first, end] = share(pending - encoded, part);
    this.#exact.scanPending(encoded + first, encoded + end, isFiltered);
    return scanned + end - first;
  }

  /** Pending rows to look at, and how many of them have codes. */
  #pending({ mask }: Query, { counts }: QueryPart, encodedMax = 0): { pending: number; encoded: number } {
    const { pendingCount, encodedCount } = counts ?? this.#generation;
    const known = mask === undefined ? pendingCount : Math.min(pendingCount, this.#scratch.mask.pendingCount);
    const pending = Math.min(known, this.#reader.pendingEnd);
    return { pending, encoded: Math.min(encodedCount, encodedMax, pending) };
  }

  #rerank({ k, boundWidths = 1 }: Query, stats: QueryStats): Reranked {
    const { settings } = this.#generation;
    const reranked = rerank({ k, widths: boundWidths }, settings, this.#kernels, this.#scratch, this.#reader);
    stats.vectorsReranked += reranked.count;
    return reranked;
  }

  /**
   * Whether what was not looked at may be nearer than the k-th: candidates that were not kept, by their error bounds; vectors in
   * other leaves, where the query is unlike those of the calibration: it lies in a hole of what may be found, or far from every leaf, or
   * has more to expect in leaves that were not scanned than further ones could make up for.
   */
  #doubt(
    { k, boundWidths = 1, nearestMax = REMOTENESS_MAX, isCapped = true }: Query,
    { chosen, reserve, missed }: { chosen: ChosenLeaves; reserve: number; missed: number },
  ): Doubt | undefined {
    if (isCapped) return undefined;
    const { effort, isAll, isBeyond } = chosen;
    const isOfCandidates = reserve < boundWidths;
    const isOfLeaves =
      effort !== undefined &&
      !isAll &&
      (isBeyond || this.#ranker.remoteness() > nearestMax || missed > effort.missedMax);
    if (!isOfCandidates && !isOfLeaves) return undefined;
    const within = kthDistance(this.#scratch.nearest, k, this.#kernels);
    return { within, isOfCandidates, isOfLeaves };
  }

  /** The first k of `nearest`, and beyond them what is as near as the k-th. */
  #answer(k: number, scale: number, stats: QueryStats): Answer {
    const { nearest } = this.#scratch;
    this.#kernels.sortBuffer(nearest.address, k);
    let count = Math.min(k, nearest.count);
    if (nearest.hasTies(count)) {
      const sorted = Math.min(nearest.count, k + TIES_MAX);
      this.#kernels.sortBuffer(nearest.address, sorted);
      while (count < sorted && nearest.estimateAt(count) === nearest.estimateAt(k - 1)) count++;
    }
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

/** What a stage writes its figures to. */
interface Run {
  stats: QueryStats;
  clock: () => number;
}

interface CodesRun extends Run {
  /** What the query's distances have been multiplied by. */
  scale: number;
  /** Pending rows that had codes when the search began. */
  encodedCount: number;
}

/** Whether a query is like those of the calibration: about all vectors near it may be found, and no pending rows have codes. */
function isUsual({ efforts }: Query, { effort, isBeyond }: ChosenLeaves, encodedCount: number): boolean {
  return encodedCount === 0 && effort !== undefined && effort === efforts?.[0] && !isBeyond;
}

/** With the bounds of what was not calibrated, and room for the candidates that these leave. */
function widened(query: Query): Query {
  const { boundWidths = 1, rerankFactor, isCapped = true } = query;
  if (isCapped) return query;
  return {
    ...query,
    boundWidths: UNCALIBRATED_FACTOR * boundWidths,
    rerankFactor: UNCALIBRATED_CANDIDATES * rerankFactor,
  };
}

/**
 * The k-th distance that is found lies at most KTH_WIDTHS above the k-th estimate, but for few queries; what must lie `boundWidths` beyond
 * it lies that far above the k-th estimate.
 */
function tightenedFor({ k, boundWidths = 1 }: Query): Tightened {
  return { k, widths: boundWidths + KTH_WIDTHS };
}

/** [first, end) of part `index` when `count` things are shared out. */
function share(count: number, part: QueryPart): [number, number] {
  return [Math.floor((count * part.index) / part.count), Math.floor((count * (part.index + 1)) / part.count)];
}

function emptyStats(): QueryStats {
  return {
    searchWay: 'probes',
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
