// The leaves of each calibration query, nearest first, summed up: what they are expected to hold by each of the two models, so that
// any number of them is looked up at once. Runs on the leader of a build.

import { BOUND_WIDTHS } from '../bound-widths.js';
import { expectedBelow, missedHits, REMOTENESS_MAX, remoteness } from '../expected-hits.js';
import { expectedHits, type ProbeModel } from '../probe-model.js';
import type { Metric } from '../settings.js';
import { boundBit, CALIBRATED_KS, type QuerySample } from './samples.js';

/** How many of a query's leaves, nearest first, are scanned. */
export type ProbesOf = (query: number) => number;

/** Of so many queries one may expect more misses than the effort of a target takes for usual. */
const USUAL_QUERIES = 200;

const REMOTE_FACTOR = 1.1;

export class LeafProfiles {
  readonly samples: readonly QuerySample[];
  /** Leaves of the generation. */
  readonly leaves: number;
  /** Of these the nearest, which are ranked. */
  readonly ranked: number;
  /** Expected hits of each query's ranked leaves by the probe model, summed up from the first; null without a model. */
  readonly #hits: Float32Array[] | null;
  /** Vectors in each query's ranked leaves, summed up. */
  readonly #sizes: Float64Array[];

  constructor(
    samples: readonly QuerySample[],
    ranked: number,
    leaves: number,
    model: ProbeModel | undefined,
  ) {
    this.samples = samples;
    this.leaves = leaves;
    this.ranked = ranked;
    this.#sizes = samples.map(({ leafSizes }) => cumulated(Float64Array.from(leafSizes)));
    this.#hits = model
      ? samples.map(({ leafDistances, leafSizes }) => {
          const hits = new Float32Array(ranked);
          expectedHits(model, leafDistances, leafSizes, ranked, hits);
          return cumulated(hits);
        })
      : null;
  }

  get hasModel(): boolean {
    return this.#hits !== null;
  }

  /** Vectors in the query's first leaves. */
  vectorsIn(query: number, probes: number): number {
    return (this.#sizes[query] as Float64Array)[Math.min(probes, this.ranked) - 1] as number;
  }

  /** As the kernel `chooseProbes` does. */
  probesOfShare(share: number, ranked: number): ProbesOf {
    return (query) => {
      const hits = (this.#hits as Float32Array[])[query] as Float32Array;
      const wanted = share * (hits[ranked - 1] as number);
      return least(1, ranked, (probes) => (hits[probes - 1] as number) >= wanted);
    };
  }

  /** The share of the expected hits that the query's first leaves hold. */
  shareOf(query: number, probes: number): number {
    const hits = (this.#hits as Float32Array[])[query] as Float32Array;
    return (hits[probes - 1] as number) / (hits[this.ranked - 1] as number);
  }

  /**
   * What the queries have to expect of hits nearer than their k-th neighbour in the leaves they leave out, by leaves' spread in so
   * many dimensions: of each query, summed up from the last leaf to the first; its last number is what one leaf that is not ranked
   * adds at most.
   */
  missesBehind(kIndex: number, dimensions: number, queries = this.samples.map((_, i) => i)): Float64Array[] {
    const chosen = queries.map((i) => this.samples[i] as QuerySample);
    return chosen.map(({ leafMeans, leafSpreads, leafSizes, kthDistances }) => {
      const kth = kthDistances[kIndex] as number;
      const sums = new Float64Array(this.ranked + 1);
      for (let i = this.ranked - 1, sum = 0; i >= 0; i--) {
        const leaf = {
          count: leafSizes[i] as number,
          mean: leafMeans[i] as number,
          spread: leafSpreads[i] as number,
        };
        const expected = expectedBelow(leaf, kth, dimensions);
        if (i === this.ranked - 1) sums[this.ranked] = expected;
        sum += expected;
        sums[i] = sum;
      }
      return sums;
    });
  }

  /** As `LeafRanker.expectedOf`, where `ranked` leaves are ranked. */
  expectedOf(behind: Float64Array, probes: number, ranked: number): { scanned: number; left: number } {
    const seen = Math.min(ranked, this.ranked);
    const at = (leaf: number): number => (leaf >= this.ranked ? 0 : (behind[leaf] as number));
    const farthest = seen < this.ranked ? at(seen - 1) - at(seen) : (behind[this.ranked] as number);
    const first = Math.min(probes, seen);
    const scanned = at(0) - at(first);
    if (probes >= this.leaves) return { scanned, left: 0 };
    return { scanned, left: at(first) - at(seen) + (this.leaves - Math.max(seen, probes)) * farthest };
  }

  /** Of the k nearest of a query, those it has to expect to miss. */
  missed(k: number, behind: Float64Array, probes: number, ranked: number): number {
    const { scanned, left } = this.expectedOf(behind, probes, ranked);
    return missedHits(k, scanned, left);
  }

  /** What one in two hundred of these queries, or more, has to expect. */
  usualMisses(k: number, behind: readonly Float64Array[], probesOf: ProbesOf, ranked: number): number {
    const missed = behind.map((sums, query) => this.missed(k, sums, probesOf(query), ranked));
    const sorted = Float64Array.from(missed).sort();
    return sorted[Math.ceil(sorted.length * (1 - 1 / USUAL_QUERIES)) - 1] ?? 0;
  }

  /**
   * Of each query, ascending: the ranks of the leaves with those of its k nearest neighbours that so many candidates
   * bring to light, with lower bounds of BOUND_WIDTHS[widthsIndex].
   */
  reachableRanks(kIndex: number, widthsIndex: number, candidates: number): Uint32Array[] {
    const k = CALIBRATED_KS[kIndex] as number;
    const bit = boundBit(kIndex, widthsIndex);
    return this.samples.map(({ leafRanks, estimateRanks, bounds }) => {
      const isRead = (_: number, i: number) =>
        (estimateRanks[i] as number) < candidates && ((bounds[i] as number) & bit) !== 0;
      return leafRanks.subarray(0, k).filter(isRead).sort();
    });
  }

  /** How remote the nearest leaf is at most, and a tenth more: what lies farther from all leaves is unlike these queries. */
  nearestMax(metric: Metric): number {
    const scores = this.samples.map(({ leafDistances, leafMeans }) => {
      const squared = (leafDistances[0] as number) ** 2;
      return remoteness(metric, squared, (leafMeans[0] as number) - squared);
    });
    return Math.min(REMOTENESS_MAX, REMOTE_FACTOR * scores.reduce((most, score) => Math.max(most, score), 0));
  }

  /** Candidates after which what was not kept is out of question for all queries but one in two hundred. */
  questionable(kIndex: number, widthsIndex: number): number {
    const at = kIndex * BOUND_WIDTHS.length + widthsIndex;
    const sorted = Uint32Array.from(this.samples, ({ questionable }) => questionable[at] as number).sort();
    return sorted[Math.ceil(sorted.length * (1 - 1 / USUAL_QUERIES)) - 1] ?? 0;
  }

  /** Places by estimate of all k nearest neighbours of all queries, ascending. */
  sortedRanks(k: number): Uint32Array {
    const ranks = new Uint32Array(k * this.samples.length);
    for (const [i, { estimateRanks }] of this.samples.entries())
      ranks.set(estimateRanks.subarray(0, k), i * k);
    return ranks.sort();
  }
}

function cumulated<Numbers extends Float32Array | Float64Array>(values: Numbers): Numbers {
  for (let i = 1; i < values.length; i++) values[i] = (values[i] as number) + (values[i - 1] as number);
  return values;
}

/** The least of [low, high] for which the monotone test holds; `high` if it holds for none. */
export function least(low: number, high: number, holds: (value: number) => boolean): number {
  let from = low;
  let to = high;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return to;
}
