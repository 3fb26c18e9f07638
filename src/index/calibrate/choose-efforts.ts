// From what was measured of the calibration queries to the least work for each target. Runs on the leader of a build.

import { CANDIDATES_MAX } from '../../limits.js';
import type { CalibratedEffort } from '../calibration.js';
import { expectedHits, type ProbeModel } from '../probe-model.js';
import { rankedFor } from '../rank-leaves.js';
import { CALIBRATED_KS, type QuerySample, type SampleShape } from './samples.js';

const TARGETS = [0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998];

/** The mean must lie so many standard errors above the target: the target then holds 19 times in 20. See `cheaper`, too. */
const MARGIN_ERRORS = 1.64;
/** Of an effort that has this margin for a larger k. */
const BORROWED_MARGIN_ERRORS = 1;
/** Of the misses that a target allows, so many may come from too few candidates: leaves are dearer. */
const CANDIDATE_MISSES_SHARE = 0.15;

interface Outcome {
  recall: number;
  standardError: number;
  probesMean: number;
  vectorsScannedMean: number;
}

/** How many of a query's leaves, nearest first, are scanned. */
type ProbesOf = (query: number) => number;

export function chooseEfforts(
  samples: QuerySample[],
  shape: SampleShape,
  leaves: number,
  model: ProbeModel | undefined,
): CalibratedEffort[] {
  const chooser = new EffortChooser(samples, shape, leaves, model);
  let ofLargerK: CalibratedEffort[] = [];
  return CALIBRATED_KS.toReversed()
    .flatMap((k, i) => {
      if (samples.some(({ count }) => count < k)) return [];
      const kIndex = CALIBRATED_KS.length - 1 - i;
      const ranks = chooser.sortedRanks(k);
      const efforts = TARGETS.map((target, t) => {
        const own = chooser.choose(k, kIndex, target, ranks);
        return chooser.cheaper(own, kIndex, ofLargerK[t]);
      });
      ofLargerK = efforts;
      return [efforts];
    })
    .toReversed()
    .flat();
}

class EffortChooser {
  readonly #samples: QuerySample[];
  readonly #leaves: number;
  readonly #ranked: number;
  /** Expected hits of each query's ranked leaves, summed up from the first; null without a model. */
  readonly #hits: Float32Array[] | null;
  /** Vectors in each query's ranked leaves, summed up. */
  readonly #sizes: Float64Array[];

  constructor(samples: QuerySample[], shape: SampleShape, leaves: number, model: ProbeModel | undefined) {
    this.#samples = samples;
    this.#leaves = leaves;
    this.#ranked = shape.leaves;
    this.#sizes = samples.map(({ leafSizes }) => cumulated(Float64Array.from(leafSizes)));
    this.#hits = model
      ? samples.map(({ leafDistances, leafSizes }) => {
          const hits = new Float32Array(shape.leaves);
          expectedHits(model, leafDistances, leafSizes, shape.leaves, hits);
          return cumulated(hits);
        })
      : null;
  }

  /** Places by estimate of all k nearest neighbours of all queries, ascending. */
  sortedRanks(k: number): Uint32Array {
    const ranks = new Uint32Array(k * this.#samples.length);
    for (const [i, { estimateRanks }] of this.#samples.entries())
      ranks.set(estimateRanks.subarray(0, k), i * k);
    return ranks.sort();
  }

  choose(k: number, kIndex: number, targetRecall: number, ranks: Uint32Array): CalibratedEffort {
    const candidates = candidatesFor(k, targetRecall, ranks);
    const reachable = this.#reachableRanks(k, kIndex, candidates);
    const outcome = (probesOf: ProbesOf) => this.#outcome(k, reachable, probesOf);
    const reaches = ({ recall, standardError }: Outcome) =>
      recall - MARGIN_ERRORS * standardError >= targetRecall;
    const fixed = least(1, this.#leaves, (probes) => reaches(outcome(() => probes)));
    const plain = { k, targetRecall, probes: fixed, probeShare: 1, candidates, ...outcome(() => fixed) };
    const probes = Math.min(this.#ranked, rankedFor(fixed));
    if (this.#hits === null || fixed >= probes) return plain;
    const steps = 4096;
    const step = least(1, steps, (s) => reaches(outcome(this.#probesOfShare(s / steps, probes))));
    const adaptive = outcome(this.#probesOfShare(step / steps, probes));
    if (adaptive.vectorsScannedMean >= plain.vectorsScannedMean) return plain;
    return { k, targetRecall, probes, probeShare: step / steps, candidates, ...adaptive };
  }

  /**
   * The effort, or that of a larger k where it scans less. Nearer neighbours are found more often, as a rule: what reaches the
   * target for more of them reaches it for these, and is known better, as each query is a sample of so many. What was
   * measured of these must bear it out, by a smaller margin.
   */
  cheaper(own: CalibratedEffort, kIndex: number, ofLargerK: CalibratedEffort | undefined): CalibratedEffort {
    if (ofLargerK === undefined || ofLargerK.vectorsScannedMean >= own.vectorsScannedMean) return own;
    const { k, targetRecall } = own;
    const { probes, probeShare, candidates } = ofLargerK;
    const probesOf = probeShare < 1 ? this.#probesOfShare(probeShare, probes) : () => probes;
    const outcome = this.#outcome(k, this.#reachableRanks(k, kIndex, candidates), probesOf);
    if (outcome.recall - BORROWED_MARGIN_ERRORS * outcome.standardError < targetRecall) return own;
    return { k, targetRecall, probes, probeShare, candidates, ...outcome };
  }

  /** As the kernel `chooseProbes` does. */
  #probesOfShare(share: number, ranked: number): ProbesOf {
    return (query) => {
      const hits = (this.#hits as Float32Array[])[query] as Float32Array;
      const wanted = share * (hits[ranked - 1] as number);
      return least(1, ranked, (probes) => (hits[probes - 1] as number) >= wanted);
    };
  }

  /** Of each query, ascending: the ranks of the leaves with those neighbours that so many candidates bring to light. */
  #reachableRanks(k: number, kIndex: number, candidates: number): Uint32Array[] {
    return this.#samples.map(({ leafRanks, estimateRanks, bounds }) => {
      const isRead = (_: number, i: number) =>
        (estimateRanks[i] as number) < candidates && ((bounds[i] as number) & (1 << kIndex)) !== 0;
      return leafRanks.subarray(0, k).filter(isRead).sort();
    });
  }

  #outcome(k: number, reachable: Uint32Array[], probesOf: ProbesOf): Outcome {
    let recalls = 0;
    let squares = 0;
    let probesSum = 0;
    let vectors = 0;
    reachable.forEach((ranks, query) => {
      const probes = probesOf(query);
      const recall = least(0, ranks.length, (i) => (ranks[i] as number) >= probes) / k;
      recalls += recall;
      squares += recall * recall;
      probesSum += probes;
      const sizes = this.#sizes[query] as Float64Array;
      vectors += sizes[Math.min(probes, this.#ranked) - 1] as number;
    });
    const count = this.#samples.length;
    const recall = recalls / count;
    const variance = Math.max(0, squares / count - recall * recall);
    return {
      recall,
      standardError: Math.sqrt(variance / count),
      probesMean: probesSum / count,
      vectorsScannedMean: vectors / count,
    };
  }
}

/** Candidates that lose few enough neighbours, whose sorted `ranks` these are, to better estimates of others. */
function candidatesFor(k: number, targetRecall: number, ranks: Uint32Array): number {
  const allowed = CANDIDATE_MISSES_SHARE * (1 - targetRecall) * ranks.length;
  const needed = (ranks[Math.max(0, ranks.length - 1 - Math.floor(allowed))] as number) + 1;
  return Math.min(CANDIDATES_MAX, Math.max(k, needed));
}

function cumulated<Numbers extends Float32Array | Float64Array>(values: Numbers): Numbers {
  for (let i = 1; i < values.length; i++) values[i] = (values[i] as number) + (values[i - 1] as number);
  return values;
}

/** The least of [low, high] for which the monotone test holds; `high` if it holds for none. */
function least(low: number, high: number, holds: (value: number) => boolean): number {
  let from = low;
  let to = high;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return to;
}
