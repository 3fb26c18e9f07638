// Measures for a stored vector, as if it were a query, where its true neighbours stand: in which leaves, and how far
// up by their estimates. One pass over all codes answers for every number of probes and candidates. Runs on build workers.

import type { Kernels } from '../../kernels/kernels.js';
import { METRIC_NUMBER, PRECISION_NUMBER } from '../../kernels/layout.js';
import { CANDIDATES_MAX } from '../../limits.js';
import type { Generation } from '../generation.js';
import { loadQuery, prepareCodes } from '../prepare-query.js';
import type { PositionReader } from '../query.js';
import { LeafRanker } from '../rank-leaves.js';
import { FIRST_ROUND_FACTOR, readRows } from '../rerank.js';
import { CodeScanner } from '../scan.js';
import { Scratch, TIES_MAX } from '../scratch.js';
import { codeDimension } from '../settings.js';
import { CALIBRATED_KS, NEIGHBOURS_CALIBRATED, QuerySample, type SampleShape } from './samples.js';

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
  /** Of each leaf, for the query at hand. */
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
    const { nodes, leafWords } = this.#scratch;
    this.#ranker.rank(leaves, 1);
    for (let i = 0; i < leaves; i++) this.#rankOfLeaf[nodes.positionAt(i)] = i;
    for (let i = 0; i < shape.leaves; i++) {
      sample.leafDistances[i] = Math.sqrt(Math.max(0, nodes.estimateAt(i)));
      sample.leafSizes[i] = leafWords[i * 8 + 1] as number;
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

  #noteNeighbours(slot: number, { order, bounds }: Candidates, sample: QuerySample): void {
    const { nearest } = this.#scratch;
    const lowerBounds = this.#rankCandidates(slot, order, bounds);
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
    found.forEach(({ position }, i) => {
      const rank = ranks[i] as number;
      const lower = lowerBounds[rank] as number;
      sample.leafRanks[i] = this.#rankOfLeaf[this.#leafOf(position)] as number;
      sample.estimateRanks[i] = rank;
      sample.bounds[i] = CALIBRATED_KS.reduce((bits, k, bit) => {
        const isRead = rank < FIRST_ROUND_FACTOR * k || lower <= (limits[bit] as number);
        return isRead ? bits | (1 << bit) : bits;
      }, 0);
    });
  }

  /** Ranks the candidates without the query itself; returns their lower bounds by rank. */
  #rankCandidates(slot: number, order: Uint32Array, bounds: Float32Array): Float32Array {
    const lowerBounds = new Float32Array(order.length);
    let rank = 0;
    order.forEach((position, i) => {
      if (position === slot) return;
      lowerBounds[rank] = bounds[i] as number;
      this.#rankOfSlot[position] = rank++;
    });
    return lowerBounds;
  }

  /** The leaf of a slot: leaves lie one behind another. */
  #leafOf(slot: number): number {
    const { leafTable } = this.#generation;
    let low = 0;
    let high = this.#generation.leaves;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((leafTable[middle * 8 + 2] as number) <= slot) low = middle;
      else high = middle;
    }
    return low;
  }
}
