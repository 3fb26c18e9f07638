// Measures for a stored vector, as if it were a query, where its true neighbours stand: in which leaves, and how far
// up by their estimates. One pass over all codes answers for every number of probes and candidates. Runs on build workers.

import type { Kernels } from '../../kernels/kernels.js';
import { LEAF, LEAF_WORDS, METRIC_NUMBER, PRECISION_NUMBER } from '../../kernels/layout.js';
import { CANDIDATES_MAX } from '../../limits.js';
import { BOUND_WIDTHS } from '../bound-widths.js';
import { dotSpreadOf, spreadOf } from '../expected-hits.js';
import type { Generation } from '../generation.js';
import { loadQuery, prepareCodes } from '../prepare-query.js';
import type { PositionReader } from '../query.js';
import { LeafRanker } from '../rank-leaves.js';
import { FIRST_ROUND_FACTOR, readRows } from '../rerank.js';
import { CodeScanner } from '../scan.js';
import { Scratch, TIES_MAX } from '../scratch.js';
import { codeDimension } from '../settings.js';
import { boundBit, CALIBRATED_KS, NEIGHBOURS_CALIBRATED, QuerySample, type SampleShape } from './samples.js';

/** By estimate, all true neighbours but a few in ten thousand stand among so many; the shorter the code the more. */
const CANDIDATES_LONG_CODE = 1024;
const CANDIDATES_SHORT_CODE = 3072;
/**
 * Of these the first so many are read, then those that a bound this much wider than that of a search lets through: 2.85
 * deviations. On GloVe reading all of them comes to the same efforts.
 */
const FIRST_ROUND = 2 * NEIGHBOURS_CALIBRATED;
const BOUND_WIDTH = 1.5;

/** Best first. */
interface Candidates {
  /** Their positions. */
  order: Uint32Array;
  estimates: Float32Array;
  /** Lower bounds of their distances, as a search has them. */
  bounds: Float32Array;
}

export class CalibrationSampler {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #reader: PositionReader;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;
  readonly #scanner: CodeScanner;
  /** The table of leaves, as numbers. */
  readonly #leafFloats: Float32Array;
  /** The rank of each leaf, for the query at hand. */
  readonly #rankOfLeaf: Uint32Array;
  /** Of each slot among the query's candidates; those of other slots are left over from other queries. */
  readonly #rankOfSlot: Uint32Array;

  constructor(generation: Generation, kernels: Kernels, reader: PositionReader) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#reader = reader;
    this.#scratch = new Scratch(generation);
    this.#ranker = new LeafRanker(generation, kernels, this.#scratch);
    this.#scanner = new CodeScanner(generation, kernels, this.#scratch);
    const { leafTable } = generation;
    this.#leafFloats = new Float32Array(leafTable.buffer, leafTable.byteOffset, leafTable.length);
    this.#rankOfLeaf = new Uint32Array(generation.leaves);
    this.#rankOfSlot = new Uint32Array(generation.slots);
  }

  /** Takes the `index`-th of the shape's queries, evenly spread over the slots. */
  sample(index: number, shape: SampleShape, buffer: SharedArrayBuffer): void {
    const slot = Math.floor(((index + 0.5) * this.#generation.slots) / shape.queries);
    const sample = new QuerySample(buffer, shape, index);
    const { precision } = this.#reader;
    const { rows, rowBytes, query, queryVector } = this.#scratch;
    this.#reader.copyInto(slot, rowBytes, 0);
    this.#kernels.decodeRow(rows, queryVector.length, PRECISION_NUMBER[precision], query);
    loadQuery(queryVector, precision, this.#generation, this.#kernels, this.#scratch);
    prepareCodes(this.#generation, this.#kernels, this.#scratch);
    this.#rankLeaves(sample, shape);
    const candidates = this.#candidates();
    this.#readCandidates(candidates);
    this.#noteNeighbours(slot, candidates, sample);
  }

  #rankLeaves(sample: QuerySample, shape: SampleShape): void {
    const { leaves } = this.#generation;
    const { nodes, leafWords, live } = this.#scratch;
    live.refresh(this.#kernels);
    this.#ranker.rank(leaves, 1, live);
    for (let i = 0; i < leaves; i++) this.#rankOfLeaf[nodes.positionAt(i)] = i;
    const { settings } = this.#generation;
    const queryNorm = Math.sqrt(
      this.#kernels.squaredNorm(this.#scratch.rotated, codeDimension(settings.dimension)),
    );
    for (let i = 0; i < shape.leaves; i++) {
      const distance = Math.max(0, nodes.estimateAt(i));
      sample.leafDistances[i] = Math.sqrt(distance);
      sample.leafSizes[i] = leafWords[i * LEAF_WORDS + 1] as number;
      const leaf = nodes.positionAt(i) * LEAF_WORDS;
      const meanSquare = this.#leafFloats[leaf + LEAF.meanSquare / 4] as number;
      const centroidNorm = this.#leafFloats[leaf + LEAF.centroidNorm / 4] as number;
      const { mean, spread } =
        settings.metric === 'dot'
          ? dotSpreadOf(distance, { centroidNorm, queryNorm, meanSquare })
          : spreadOf(distance, meanSquare);
      sample.leafMeans[i] = mean;
      sample.leafSpreads[i] = spread;
    }
  }

  /** The best vectors by estimate over all leaves. */
  #candidates(): Candidates {
    const { settings, slots, leaves } = this.#generation;
    const { candidates, forms } = this.#scratch;
    const kernels = this.#kernels;
    const wanted = settings.bits === 1 ? CANDIDATES_SHORT_CODE : CANDIDATES_LONG_CODE;
    candidates.reset(Math.min(wanted, slots, CANDIDATES_MAX));
    this.#scanner.scanLeaves(0, leaves);
    kernels.finishBuffer(candidates.address);
    const { count } = candidates;
    const isSign = settings.quantizer === 'sign';
    if (!isSign)
      kernels.boundCandidates(
        candidates.address,
        forms.tableOut,
        codeDimension(settings.dimension),
        settings.bits,
        METRIC_NUMBER[settings.metric],
        1,
      );
    kernels.sortBuffer(candidates.address, count);
    const order = new Uint32Array(count);
    const estimates = new Float32Array(count);
    const bounds = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      order[i] = candidates.positionAt(i);
      estimates[i] = candidates.estimateAt(i);
      bounds[i] = isSign ? Number.NEGATIVE_INFINITY : candidates.lowerBoundAt(i);
    }
    return { order, estimates, bounds };
  }

  /** Compares those candidates exactly that can be among the nearest; leaves these sorted. */
  #readCandidates({ order, estimates, bounds }: Candidates): void {
    const { nearest, positions } = this.#scratch;
    const kernels = this.#kernels;
    const { settings } = this.#generation;
    nearest.reset(NEIGHBOURS_CALIBRATED + 1 + TIES_MAX);
    const read = (listed: Uint32Array): void => {
      positions.set(listed.sort());
      readRows(listed.length, settings, kernels, this.#scratch, this.#reader);
      kernels.finishBuffer(nearest.address);
      kernels.sortBuffer(nearest.address, nearest.count);
    };
    read(order.slice(0, FIRST_ROUND));
    const limit =
      nearest.count > NEIGHBOURS_CALIBRATED
        ? nearest.estimateAt(NEIGHBOURS_CALIBRATED)
        : Number.POSITIVE_INFINITY;
    read(
      order.slice(FIRST_ROUND).filter((_, i) => {
        const estimate = estimates[FIRST_ROUND + i] as number;
        const width = estimate - (bounds[FIRST_ROUND + i] as number);
        return estimate - BOUND_WIDTH * width <= limit;
      }),
    );
  }

  #noteNeighbours(slot: number, candidates: Candidates, sample: QuerySample): void {
    const { nearest } = this.#scratch;
    const { lowerBounds, estimates } = this.#rankCandidates(slot, candidates);
    const found: { position: number; distance: number }[] = [];
    for (let i = 0; i < nearest.count && found.length < NEIGHBOURS_CALIBRATED; i++) {
      const position = nearest.positionAt(i);
      if (position !== slot) found.push({ position, distance: nearest.estimateAt(i) });
    }
    const ranks = found.map(({ position }) => this.#rankOfSlot[position] as number);
    // What a rerank knows after its first round.
    const limits = CALIBRATED_KS.map((k) => {
      const read = found.filter((_, i) => (ranks[i] as number) < FIRST_ROUND_FACTOR * k);
      return read[k - 1]?.distance ?? Number.POSITIVE_INFINITY;
    });
    sample.count = found.length;
    for (const [i, k] of CALIBRATED_KS.entries()) {
      const kth = found[k - 1]?.distance ?? Number.POSITIVE_INFINITY;
      sample.kthDistances[i] = kth;
      for (const [j, widths] of BOUND_WIDTHS.entries())
        sample.questionable[i * BOUND_WIDTHS.length + j] = estimatedBelow(candidates, kth, widths);
    }
    found.forEach(({ position }, i) => {
      const rank = ranks[i] as number;
      const lower = lowerBounds[rank] as number;
      sample.leafRanks[i] = this.#rankOfLeaf[this.#leafOf(position)] as number;
      sample.estimateRanks[i] = rank;
      sample.bounds[i] = this.#bitsOf(rank, { estimate: estimates[rank] as number, lower, limits });
    });
  }

  /** Which reranks read the candidate of this rank; `limits`: for each k what one knows after its first round. */
  #bitsOf(
    rank: number,
    { estimate, lower, limits }: { estimate: number; lower: number; limits: readonly number[] },
  ): number {
    let bits = 0;
    for (const [kIndex, k] of CALIBRATED_KS.entries()) {
      for (const [widthsIndex, widths] of BOUND_WIDTHS.entries()) {
        const bound = estimate - widths * (estimate - lower);
        const isRead = rank < FIRST_ROUND_FACTOR * k || !(bound > (limits[kIndex] as number));
        if (isRead) bits |= boundBit(kIndex, widthsIndex);
      }
    }
    return bits;
  }

  /** Ranks the candidates without the query itself; returns their estimates and lower bounds by rank. */
  #rankCandidates(
    slot: number,
    { order, bounds: given, estimates: all }: Candidates,
  ): { lowerBounds: Float32Array; estimates: Float32Array } {
    const lowerBounds = new Float32Array(order.length);
    const estimates = new Float32Array(order.length);
    let rank = 0;
    order.forEach((position, i) => {
      if (position === slot) return;
      lowerBounds[rank] = given[i] as number;
      estimates[rank] = all[i] as number;
      this.#rankOfSlot[position] = rank++;
    });
    return { lowerBounds, estimates };
  }

  /** The leaf of a slot: leaves lie one behind another. */
  #leafOf(slot: number): number {
    const { leafTable } = this.#generation;
    let low = 0;
    let high = this.#generation.leaves;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((leafTable[middle * LEAF_WORDS + 2] as number) <= slot) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** How many candidates are estimated less than so many of their mean error bounds beyond the distance; sign codes have no bounds. */
function estimatedBelow({ estimates, bounds }: Candidates, kth: number, widths: number): number {
  let sum = 0;
  for (let i = 0; i < estimates.length; i++) sum += (estimates[i] as number) - (bounds[i] as number);
  const limit = kth + (widths * sum) / estimates.length;
  if (!Number.isFinite(limit)) return 0;
  const first = estimates.findIndex((estimate) => estimate >= limit);
  return first < 0 ? estimates.length : first;
}
