// From what was measured of the calibration queries to the least work for each target. Runs on the leader of a build.

import { CANDIDATES_MAX } from '../../limits.js';
import { widthsIndexOf } from '../bound-widths.js';
import type { CalibratedEffort } from '../calibration.js';
import { rankedFor } from '../rank-leaves.js';
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
        const own = chooser.choose(k, kIndex, target, ranks);
        const cheapest = chooser.cheaper({ k, kIndex, target }, own, ofLargerK[t]);
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

  constructor(profiles: LeafProfiles, rule: TargetRule) {
    this.#profiles = profiles;
    this.#rule = rule;
  }

  /** Undefined where no effort reaches the target. */
  choose(k: number, kIndex: number, targetRecall: number, ranks: Uint32Array): CalibratedEffort | undefined {
    const { ranked, leaves, hasModel } = this.#profiles;
    const candidates = candidatesFor(this.#profiles, { k, kIndex, targetRecall, ranks });
    const reachable = this.#profiles.reachableRanks(kIndex, widthsIndexOf(targetRecall), candidates);
    const outcome = (probesOf: ProbesOf) => this.#outcome(k, reachable, probesOf);
    const reaches = (found: Outcome) => this.#reaches(found, targetRecall);
    const fixed = least(1, leaves, (probes) => reaches(outcome(() => probes)));
    const ofFixed = outcome(() => fixed);
    if (!reaches(ofFixed)) return undefined;
    const plain = { k, targetRecall, probes: fixed, probeShare: 1, candidates, missedMax: 0, ...ofFixed };
    const probes = Math.min(ranked, rankedFor(fixed));
    if (!hasModel || fixed >= probes) return plain;
    const shareOf = (step: number) => outcome(this.#profiles.probesOfShare(step / SHARE_STEPS, probes));
    const step = least(1, SHARE_STEPS, (s) => reaches(shareOf(s)));
    const adaptive = shareOf(step);
    if (adaptive.vectorsScannedMean >= plain.vectorsScannedMean || !reaches(adaptive)) return plain;
    return { k, targetRecall, probes, probeShare: step / SHARE_STEPS, candidates, missedMax: 0, ...adaptive };
  }

  /**
   * The effort, or that of a larger k where it scans less. Nearer neighbours are found more often, as a rule: what reaches the
   * target for more of them reaches it for these, and is known better, as each query is a sample of so many. What was
   * measured of these must bear it out, by a smaller margin.
   */
  cheaper(
    { k, kIndex, target }: { k: number; kIndex: number; target: number },
    own: CalibratedEffort | undefined,
    ofLargerK: CalibratedEffort | undefined,
  ): CalibratedEffort | undefined {
    if (ofLargerK === undefined) return own;
    if (own !== undefined && ofLargerK.vectorsScannedMean >= own.vectorsScannedMean) return own;
    const { candidates } = ofLargerK;
    const outcome = this.#outcome(
      k,
      this.#profiles.reachableRanks(kIndex, widthsIndexOf(target), candidates),
      this.#probesOf(ofLargerK),
    );
    if (outcome.recall - BORROWED_MARGIN_ERRORS * outcome.standardError < target) return own;
    return { ...ofLargerK, k, targetRecall: target, ...outcome };
  }

  /** What the effort's queries have to expect in the leaves they leave out, but for one in two hundred; `behind` is that of its k. */
  missedMax(effort: CalibratedEffort, behind: readonly Float64Array[]): number {
    const { probes, probeShare, k, targetRecall } = effort;
    const ranked = probeShare < 1 ? probes : Math.min(rankedFor(probes), this.#profiles.leaves);
    const usual = this.#profiles.usualMisses(behind, this.#probesOf(effort), ranked);
    return Math.max(usual, SMALL_MISSES_SHARE * (1 - targetRecall) * k);
  }

  #probesOf({ probes, probeShare }: CalibratedEffort): ProbesOf {
    return probeShare < 1 ? this.#profiles.probesOfShare(probeShare, probes) : () => probes;
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
