// Fits the one parameter of expected-hits.ts: in how many dimensions leaves spread alike, so that on average as many neighbours are
// expected beyond the first leaves as there are. Runs on the leader of a build.

import { type LeafProfiles, least } from './leaf-profiles.js';
import { CALIBRATED_KS, type QuerySample } from './samples.js';

/** The first leaves are so many that this share of the neighbours is in them. */
const NEAR_SHARE = 0.9;
const STEPS_PER_OCTAVE = 8;
/** So many queries are looked at. */
const QUERIES_MAX = 200;

/** @returns 1 where there is nothing to learn from: leaves then seem to spread far, and hits are expected in many */
export function fitSpreadDimensions(profiles: LeafProfiles, dimension: number): number {
  const kIndex = CALIBRATED_KS.findLastIndex(
    (k) => k <= 10 && profiles.samples.every(({ count }) => count >= k),
  );
  if (kIndex < 0 || profiles.samples.length === 0) return 1;
  const k = CALIBRATED_KS[kIndex] as number;
  const step = Math.max(1, Math.floor(profiles.samples.length / QUERIES_MAX));
  const queries = profiles.samples.map((_, i) => i).filter((i) => i % step === 0);
  const ranks = queries.map((i) => (profiles.samples[i] as QuerySample).leafRanks.subarray(0, k));
  const missesBeyond = (probes: number): number =>
    ranks.reduce((sum, ofQuery) => sum + ofQuery.filter((rank) => rank >= probes).length, 0);
  const neighbours = k * queries.length;
  const probes = least(1, profiles.ranked, (p) => missesBeyond(p) <= (1 - NEAR_SHARE) * neighbours);
  if (probes >= profiles.leaves) return 1;
  const misses = missesBeyond(probes) + 0.5;
  const octaves = Math.log2(dimension);
  const stepsUp = least(0, Math.ceil(octaves * STEPS_PER_OCTAVE), (up) => {
    const behind = profiles.missesBehind(kIndex, 2 ** (up / STEPS_PER_OCTAVE), queries);
    return (
      behind.reduce((sum, sums) => sum + profiles.expectedOf(sums, probes, profiles.ranked).left, 0) <= misses
    );
  });
  return Math.min(dimension, 2 ** (stepsUp / STEPS_PER_OCTAVE));
}
