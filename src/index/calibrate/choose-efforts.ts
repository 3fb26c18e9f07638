// From what was measured of the calibration queries to the least work for each target. Runs on the leader of a build.

import { CANDIDATES_MAX } from '../../limits.js';
import { widthsIndexOf } from '../bound-widths.js';
import type { CalibratedEffort } from '../calibration.js';
import { rankedFor, refinedFor } from '../rank-leaves.js';
import { type LeafProfiles, least, type ProbesOf } from './leaf-profiles.js';
import { CALIBRATED_KS } from './samples.js';

const TARGETS = [0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998];

/** The mean must lie so many standard errors above the target: the target then holds 19 times in 20. See `cheaper`, too. */
const MARGIN_ERRORS = 1.64;
/** Of an effort that has this margin for a larger k. */
const BORROWED_MARGIN_ERRORS = 1;
/** Of the misses that a target allows, so many may come from too few candidates: leaves are dearer. */
const CANDIDATE_MISSES_SHARE = 0.15;
/** Misses that are expected are no reason to look further as long as they are this share of those that the target allows. */
const SMALL_MISSES_SHARE = 0.1;
const SHARE_STEPS = 4096;
/** Where so many of the leaves are ranked, all are: by their codes one of the nearest may stand behind far ones. */
const ALL_SHARE = 0.75;
/** Limits of the misses that are expected, as ranks among what the queries expect without one; see `limited`. */
const LIMIT_RANKS = [0.995, 0.99, 0.98, 0.96, 0.92, 0.85, 0.75, 0.6];
/** What a limit may cost of queries like those of the calibration: for targets up to 0.95, and above. */
const LIMIT_COSTS = [1.01, 1.03] as const;
/** Of what a limit finds besides so much is given back. */
const GIVEN_BACK = 0.25;
const UNLIMITED = Number.MAX_VALUE;

/**
 * When the mean recall m of n queries is taken to reach a target: `confident`, if it lies 1.64 standard errors above it, so that the target
 * holds for 19 builds in 20; `expected`, if n / (n + 1) (1 - m) + 1 / (n + 1) <= 1 - target, so that it holds on average over builds
 * (conformal risk control: Angelopoulos et al., ICLR 2024, theorem 1). docs/decisions/0020-recall-that-holds.md compares them.
 */
export type TargetRule = 'confident' | 'expected';

interface Outcome {
  recall: number;
  standardError: number;
  probesMean: number;
  vectorsScannedMean: number;
}

/** How many leaves a search scans: see `CalibratedEffort`. */
type Effort = Pick<CalibratedEffort, 'k' | 'probes' | 'probeShare' | 'leftMax'>;

interface Aim {
  k: number;
  kIndex: number;
  target: number;
  /** By `missesBehind` of this k. */
  behind: readonly Float64Array[];
}

export function chooseEfforts(
  profiles: LeafProfiles,
  dimensions: number,
  rule: TargetRule = 'confident',
): CalibratedEffort[] {
  const chooser = new EffortChooser(profiles, rule);
  let ofLargerK: (CalibratedEffort | undefined)[] = [];
  return CALIBRATED_KS.toReversed()
    .flatMap((k, i) => {
      if (profiles.samples.some(({ count }) => count < k)) return [];
      const kIndex = CALIBRATED_KS.length - 1 - i;
      const ranks = profiles.sortedRanks(k);
      const behind = profiles.missesBehind(kIndex, dimensions);
      const efforts = TARGETS.map((target, t) => {
        const aim = { k, kIndex, target, behind };
        const own = chooser.choose(aim, ranks);
        const cheapest = chooser.cheaper(aim, own, ofLargerK[t]);
        return cheapest && { ...cheapest, missedMax: chooser.missedMax(cheapest, behind) };
      });
      ofLargerK = efforts;
      return [efforts.filter((effort) => effort !== undefined)];
    })
    .toReversed()
    .flat();
}

class EffortChooser {
  readonly #profiles: LeafProfiles;
  readonly #rule: TargetRule;
  /** What `#enoughLeaves` has found last: it is asked for the same again and again. */
  #lastEnough:
    | { behind: readonly Float64Array[]; leftMax: number; ranked: number; leaves: Uint32Array }
    | undefined;

  constructor(profiles: LeafProfiles, rule: TargetRule) {
    this.#profiles = profiles;
    this.#rule = rule;
  }

  /** Undefined where no effort reaches the target. */
  choose(aim: Aim, ranks: Uint32Array): CalibratedEffort | undefined {
    const { k, kIndex, target } = aim;
    const { ranked, leaves, hasModel } = this.#profiles;
    const candidates = candidatesFor(this.#profiles, { k, kIndex, targetRecall: target, ranks });
    const reachable = this.#profiles.reachableRanks(kIndex, widthsIndexOf(target), candidates);
    const given = { k, targetRecall: target, candidates, missedMax: 0 };
    const outcome = (effort: Effort) => this.#outcome(k, reachable, this.#probesOf(effort, aim.behind));
    const reaches = (effort: Effort) => this.#reaches(outcome(effort), target);
    const ofNumber = (probes: number): Effort => ({ k, probes, probeShare: 1, leftMax: UNLIMITED });
    const number = least(1, leaves, (probes) => reaches(ofNumber(probes)));
    const plain = ofNumber(number);
    if (!reaches(plain)) return undefined;
    const wanted = rankedFor(plain.probes);
    const probes = wanted >= ALL_SHARE * leaves ? ranked : Math.min(ranked, wanted);
    const byNumber = { of: ofNumber, amount: number };
    if (!hasModel || plain.probes >= probes) return { ...given, ...this.#limited(byNumber, outcome, aim) };
    const ofShare = (step: number): Effort => ({
      ...{ k, probes, probeShare: step / SHARE_STEPS, leftMax: UNLIMITED },
    });
    const step = least(1, SHARE_STEPS, (s) => reaches(ofShare(s)));
    const adaptive = ofShare(step);
    const isCheaper = outcome(adaptive).vectorsScannedMean < outcome(plain).vectorsScannedMean;
    const cheaper = isCheaper && reaches(adaptive) ? { of: ofShare, amount: step } : byNumber;
    return { ...given, ...this.#limited(cheaper, outcome, aim) };
  }

  /**
   * With the least limit to what may be expected in the leaves left out that costs next to nothing, so that queries that expect more look
   * further. They are found more often: a part of that is given back by scanning less of all queries. Not all of it, as queries of another
   * kind, which expect less, have nothing else to be found by.
   */
  #limited(
    { of, amount }: { of: (amount: number) => Effort; amount: number },
    outcome: (effort: Effort) => Outcome,
    { behind, target }: Aim,
  ): Effort & Outcome {
    const plain = of(amount);
    const costMax = LIMIT_COSTS[widthsIndexOf(target)] * outcome(plain).vectorsScannedMean;
    const limited = this.#limitsOf(plain, target, behind).map((leftMax) => {
      const enough = least(1, amount, (less) => this.#reaches(outcome({ ...of(less), leftMax }), target));
      const effort = { ...of(Math.ceil(amount - GIVEN_BACK * (amount - enough))), leftMax };
      return { ...effort, ...outcome(effort) };
    });
    const affordable = limited.findLast(({ vectorsScannedMean }) => vectorsScannedMean <= costMax);
    return affordable ?? (limited[0] as Effort & Outcome);
  }

  /**
   * The effort, or that of a larger k where it scans less. Nearer neighbours are found more often, as a rule: what reaches the
   * target for more of them reaches it for these, and is known better, as each query is a sample of so many. What was
   * measured of these must bear it out, by a smaller margin.
   */
  cheaper(
    { k, kIndex, target, behind }: Aim,
    own: CalibratedEffort | undefined,
    ofLargerK: CalibratedEffort | undefined,
  ): CalibratedEffort | undefined {
    if (ofLargerK === undefined) return own;
    if (own !== undefined && ofLargerK.vectorsScannedMean >= own.vectorsScannedMean) return own;
    const { candidates } = ofLargerK;
    const unlimited = { ...ofLargerK, k, leftMax: UNLIMITED };
    const borrowed = { ...unlimited, leftMax: this.#limitsOf(unlimited, target, behind)[2] ?? UNLIMITED };
    const outcome = this.#outcome(
      k,
      this.#profiles.reachableRanks(kIndex, widthsIndexOf(target), candidates),
      this.#probesOf(borrowed, behind),
    );
    if (outcome.recall - BORROWED_MARGIN_ERRORS * outcome.standardError < target) return own;
    if (own !== undefined && outcome.vectorsScannedMean >= own.vectorsScannedMean) return own;
    return { ...borrowed, targetRecall: target, ...outcome };
  }

  /** What the effort's queries have to expect in the leaves they leave out, but for one in two hundred; `behind` is that of its k. */
  missedMax(effort: CalibratedEffort, behind: readonly Float64Array[]): number {
    const { k, targetRecall } = effort;
    const probesOf = this.#probesOf(effort, behind);
    const usual = this.#profiles.usualMisses(k, behind, probesOf, this.#rankedOf(effort));
    return Math.max(usual, SMALL_MISSES_SHARE * (1 - targetRecall) * k);
  }

  /** Limits to try, falling: what queries expect to miss by this effort, which has none. */
  #limitsOf(effort: Effort, target: number, behind: readonly Float64Array[]): number[] {
    const { k } = effort;
    const probesOf = this.#probesOf(effort, behind);
    const ranked = this.#rankedOf(effort);
    const missed = Float64Array.from(behind, (sums, query) =>
      this.#profiles.missed(k, sums, probesOf(query), ranked),
    ).sort();
    const small = SMALL_MISSES_SHARE * (1 - target) * k;
    const limits = LIMIT_RANKS.map((rank) => missed[Math.ceil(rank * missed.length) - 1] as number);
    // No query may expect to miss all it looks for, however many do where others expect nothing.
    return limits.map((limit) => Math.min(k, Math.max(small, limit)));
  }

  #rankedOf({ probes, probeShare }: Effort): number {
    return probeShare < 1 ? probes : Math.min(refinedFor(probes), this.#profiles.leaves);
  }

  /** As a search of the effort, with the further leaves it scans. */
  #probesOf(effort: Effort, behind: readonly Float64Array[]): ProbesOf {
    const { probes, probeShare, leftMax } = effort;
    const first = probeShare < 1 ? this.#profiles.probesOfShare(probeShare, probes) : () => probes;
    if (leftMax === UNLIMITED) return first;
    const ranked = Math.min(this.#rankedOf(effort), this.#profiles.ranked);
    const enough = this.#enoughLeaves(effort, behind);
    return (query) => {
      const scanned = first(query);
      return Math.max(scanned, Math.min(ranked, enough[query] as number));
    };
  }

  /** Of each query, the leaves after which no more than `leftMax` hits are to be expected in the others. */
  #enoughLeaves({ k, probes, probeShare, leftMax }: Effort, behind: readonly Float64Array[]): Uint32Array {
    const ranked = probeShare < 1 ? probes : this.#profiles.ranked;
    const last = this.#lastEnough;
    if (last?.behind === behind && last.leftMax === leftMax && last.ranked === ranked) return last.leaves;
    const leaves = Uint32Array.from(behind, (sums) =>
      least(0, ranked, (scanned) => this.#profiles.missed(k, sums, scanned, ranked) <= leftMax),
    );
    this.#lastEnough = { behind, leftMax, ranked, leaves };
    return leaves;
  }

  #reaches({ recall, standardError }: Outcome, target: number): boolean {
    if (this.#rule === 'confident') return recall - MARGIN_ERRORS * standardError >= target;
    const count = this.#profiles.samples.length;
    return (count * (1 - recall) + 1) / (count + 1) <= 1 - target;
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
      vectors += this.#profiles.vectorsIn(query, probes);
    });
    const count = reachable.length;
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

/**
 * Candidates that lose few enough neighbours, whose sorted `ranks` these are, to better estimates of others; and so many that what
 * is not kept is out of question. For sign codes, which have no bounds, twice as many as lose few enough: the worse half then
 * tells.
 */
export function candidatesFor(
  profiles: LeafProfiles,
  { k, kIndex, targetRecall, ranks }: { k: number; kIndex: number; targetRecall: number; ranks: Uint32Array },
): number {
  const allowed = CANDIDATE_MISSES_SHARE * (1 - targetRecall) * ranks.length;
  const needed = (ranks[Math.max(0, ranks.length - 1 - Math.floor(allowed))] as number) + 1;
  const questionable = profiles.questionable(kIndex, widthsIndexOf(targetRecall));
  const enough = questionable > 0 ? questionable : 2 * needed;
  return Math.min(CANDIDATES_MAX, Math.max(k, needed, enough));
}
