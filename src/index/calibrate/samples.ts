// What the threads of a build measure for its calibration, query by query, in memory they share.

import { BOUND_WIDTHS } from '../bound-widths.js';

/** Neighbours of each query that are looked at. */
export const NEIGHBOURS_CALIBRATED = 100;
/** The k's that are calibrated. */
export const CALIBRATED_KS = [1, 10, 100] as const;
/** Leaves of a query whose distances are kept: more than any sensible number of probes. */
const RANKED_LEAVES_MAX = 1024;

const QUERIES_MAX = 1400;
/** Of seven queries so many are those that the probe model is fitted to; the others, which it has not seen, say what it is worth. */
const FITTED_OF_SEVEN = 2;
/** Fewer vectors are quickly compared one by one, and say too little. */
const SLOTS_MIN = 1000;

export interface SampleShape {
  queries: number;
  /** Ranked leaves kept for each query. */
  leaves: number;
}

/** Shape for a generation; no queries where it is too small to be calibrated. */
export function sampleShape(slots: number, leaves: number): SampleShape {
  return {
    queries: slots < SLOTS_MIN ? 0 : Math.min(QUERIES_MAX, slots),
    leaves: Math.min(leaves, RANKED_LEAVES_MAX),
  };
}

export function boundBit(kIndex: number, widthsIndex: number): number {
  return 1 << (kIndex * BOUND_WIDTHS.length + widthsIndex);
}

/** Whether a query is one of those that the model is fitted to. */
export function isFitted(index: number): boolean {
  return index % 7 < FITTED_OF_SEVEN;
}

/** Views of one query's measurements. */
export class QuerySample {
  /** Distances of the ranked leaves' centroids, ascending. */
  readonly leafDistances: Float32Array;
  /** Vectors in each of them. */
  readonly leafSizes: Uint32Array;
  /** Of the internal distances of their vectors, as expected-hits.ts has them: the mean, and the spread over all dimensions. */
  readonly leafMeans: Float32Array;
  readonly leafSpreads: Float32Array;
  /** Internal distance of the k-th neighbour, for each of CALIBRATED_KS; infinite where there are fewer. */
  readonly kthDistances: Float32Array;
  /**
   * For each of CALIBRATED_KS and, inside, of BOUND_WIDTHS: vectors that are estimated less than so many error bounds beyond the
   * k-th neighbour. So many candidates have to be kept for the others to be out of question.
   */
  readonly questionable: Uint32Array;
  /** For each neighbour, nearest first: the rank of its leaf. */
  readonly leafRanks: Uint32Array;
  /** Its place among all vectors by their estimates. */
  readonly estimateRanks: Uint32Array;
  /** Bit by `boundBit`: a rerank for that k reads it, early by its estimate or later by its lower bound of that many widths. */
  readonly bounds: Uint8Array;
  readonly #count: Uint32Array;

  constructor(buffer: SharedArrayBuffer, shape: SampleShape, index: number) {
    let next = index * bytesPerQuery(shape);
    const take = (bytes: number): number => {
      const at = next;
      next += bytes;
      return at;
    };
    this.#count = new Uint32Array(buffer, take(4), 1);
    this.leafDistances = new Float32Array(buffer, take(shape.leaves * 4), shape.leaves);
    this.leafSizes = new Uint32Array(buffer, take(shape.leaves * 4), shape.leaves);
    this.leafMeans = new Float32Array(buffer, take(shape.leaves * 4), shape.leaves);
    this.leafSpreads = new Float32Array(buffer, take(shape.leaves * 4), shape.leaves);
    this.kthDistances = new Float32Array(buffer, take(CALIBRATED_KS.length * 4), CALIBRATED_KS.length);
    const questionable = CALIBRATED_KS.length * BOUND_WIDTHS.length;
    this.questionable = new Uint32Array(buffer, take(questionable * 4), questionable);
    this.leafRanks = new Uint32Array(buffer, take(NEIGHBOURS_CALIBRATED * 4), NEIGHBOURS_CALIBRATED);
    this.estimateRanks = new Uint32Array(buffer, take(NEIGHBOURS_CALIBRATED * 4), NEIGHBOURS_CALIBRATED);
    this.bounds = new Uint8Array(buffer, take(NEIGHBOURS_CALIBRATED), NEIGHBOURS_CALIBRATED);
  }

  /** Neighbours found. */
  get count(): number {
    return this.#count[0] as number;
  }

  set count(count: number) {
    this.#count[0] = count;
  }
}

export function sampleBytes(shape: SampleShape): number {
  return shape.queries * bytesPerQuery(shape);
}

export function allocateSamples(shape: SampleShape): SharedArrayBuffer {
  return new SharedArrayBuffer(sampleBytes(shape));
}

function bytesPerQuery({ leaves }: SampleShape): number {
  const ofKs = CALIBRATED_KS.length * (1 + BOUND_WIDTHS.length);
  return 4 + 16 * leaves + 4 * ofKs + 9 * NEIGHBOURS_CALIBRATED;
}
