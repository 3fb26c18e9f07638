// From what was measured of the calibration queries to what can be promised of a single query. Runs on the leader of a build.

import { widthsIndexOf } from '../bound-widths.js';
import type { Guarantee } from '../calibration.js';
import { refinedFor } from '../rank-leaves.js';
import { candidatesFor } from './choose-efforts.js';
import type { LeafProfiles, ProbesOf } from './leaf-profiles.js';
import { CALIBRATED_KS } from './samples.js';

const CONFIDENCES = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999];
/** Of the k nearest so many may be missed. */
const MISSES = [0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50];
/** Candidates lose so few of the neighbours that leaves decide. */
const CANDIDATES_TARGET = 0.998;
/** So much more than the share that was needed: sums of float32 differ in their last digits. */
const SHARE_ROUNDING = 1 + 1e-6;

/**
 * A share follows each query, and what was deleted since: numbers of leaves must scan so much less. On GloVe the two are within a third of each
 * other, which is less than what 400 queries tell apart.
 */
const CHEAPER_PART = 0.5;

/** Ways to say how far a query looks, each with a score that grows with it: leaves that hold a share of the expected hits, or so many. */
const SCORES = ['share', 'probes'] as const;
type Score = (typeof SCORES)[number];

/** A guarantee holds for so many builds: of n scores a place is taken that so many draws of n put high enough. */
const BUILDS_PART = 0.95;

/**
 * What a query needs to miss no more than m neighbours is its score; the queries of the calibration and those to come are taken to be
 * exchangeable. The ceil((n + 1) c)-th smallest of n scores is enough for the next query with a probability of c, over the draws of both (split
 * conformal prediction); but of the calibrations one in two lies below c. So a place higher up is taken, which is enough for
 * a share c of all queries in 95 of 100 calibrations (Vovk, Conditional validity of inductive conformal predictors, 2012, proposition 2a). All
 * else, the kind of score included, is chosen by other queries, `others`: the bound would not hold for what was chosen by the scores themselves.
 */
export function chooseGuarantees(
  profiles: LeafProfiles,
  others: LeafProfiles,
  dimensions: number,
): Guarantee[] {
  if (!profiles.hasModel) return [];
  return CALIBRATED_KS.flatMap((k, kIndex) => {
    if ([...profiles.samples, ...others.samples].some(({ count }) => count < k)) return [];
    const candidates = candidatesFor(others, {
      ...{ k, kIndex, targetRecall: CANDIDATES_TARGET, ranks: others.sortedRanks(k) },
    });
    const reachable = (from: LeafProfiles) =>
      from.reachableRanks(kIndex, widthsIndexOf(CANDIDATES_TARGET), candidates);
    const [ranks, ranksOfOthers] = [reachable(profiles), reachable(others)];
    const behind = profiles.missesBehind(kIndex, dimensions);
    return MISSES.filter((misses) => misses < k).flatMap((misses) => {
      const scores = scoresOf(profiles, ranks, k - misses);
      const scoresOfOthers = scoresOf(others, ranksOfOthers, k - misses);
      return CONFIDENCES.flatMap((confidence) => {
        const score = cheaperScore(others, scoresOfOthers, confidence);
        const enough = scores[score][placeFor(profiles.samples.length, confidence) - 1];
        if (enough === undefined || !Number.isFinite(enough)) return [];
        const probes = score === 'share' ? profiles.ranked : enough;
        const probeShare = score === 'share' ? enough : 1;
        const ranked = score === 'share' ? probes : Math.min(refinedFor(probes), profiles.leaves);
        const missedMax = profiles.usualMisses(k, behind, probesOf(profiles, score, enough), ranked);
        return [{ k, misses, confidence, probes, probeShare, candidates, leftMax: missedMax, missedMax }];
      });
    });
  });
}

/**
 * The least l for which a share `confidence` of all queries scores no higher than the l-th smallest of `count` scores, in BUILDS_PART of their draws: no
 * more than count - l of them may be expected above. Beyond `count` where there are too few scores for any.
 */
export function placeFor(count: number, confidence: number): number {
  // The chance that so many scores lie above the true quantile, number by number.
  let chance = confidence ** count;
  let sum = chance;
  let above = 0;
  for (; above < count && sum <= 1 - BUILDS_PART; above++) {
    chance *= ((count - above) / (above + 1)) * ((1 - confidence) / confidence);
    sum += chance;
  }
  return count - above + 1;
}

/** Where clusters lie apart the nearest leaf holds all that is expected, in float32, and no share tells how far the others have to look. */
function cheaperScore(others: LeafProfiles, scores: Record<Score, Float64Array>, confidence: number): Score {
  const scanned = SCORES.map((score) => {
    const sorted = scores[score];
    const enough = sorted[Math.min(sorted.length, Math.ceil((sorted.length + 1) * confidence)) - 1] as number;
    const probes = probesOf(others, score, enough);
    return others.samples.reduce((sum, _, query) => sum + others.vectorsIn(query, probes(query)), 0);
  });
  const [ofShare, ofProbes] = scanned as [number, number];
  return ofProbes < CHEAPER_PART * ofShare ? 'probes' : 'share';
}

function probesOf(profiles: LeafProfiles, score: Score, enough: number): ProbesOf {
  if (enough >= (score === 'share' ? 1 : profiles.ranked)) return () => profiles.ranked;
  return score === 'share' ? profiles.probesOfShare(enough, profiles.ranked) : () => enough;
}

/** Ascending; infinite of a query whose neighbours are in leaves that are not ranked, or are not read. */
function scoresOf(
  profiles: LeafProfiles,
  reachable: Uint32Array[],
  wanted: number,
): Record<Score, Float64Array> {
  const probes = reachable.map((ranks) => {
    const rank = ranks[wanted - 1];
    return rank === undefined || rank >= profiles.ranked ? Number.POSITIVE_INFINITY : rank + 1;
  });
  const shares = probes.map((needed, query) =>
    Number.isFinite(needed) ? Math.min(1, SHARE_ROUNDING * profiles.shareOf(query, needed)) : needed,
  );
  return { share: Float64Array.from(shares).sort(), probes: Float64Array.from(probes).sort() };
}
