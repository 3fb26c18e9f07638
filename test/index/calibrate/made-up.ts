// Calibration samples made by hand, whose recalls and quantiles are known.

import { BOUND_WIDTHS } from '../../../src/index/bound-widths.js';
import { LeafProfiles } from '../../../src/index/calibrate/leaf-profiles.js';
import {
  allocateSamples,
  CALIBRATED_KS,
  NEIGHBOURS_CALIBRATED,
  QuerySample,
} from '../../../src/index/calibrate/samples.js';
import type { ProbeModel } from '../../../src/index/probe-model.js';

export const LEAVES = 100;
/** Bits for every k and every width of bounds. */
export const ALL_READ = (1 << (CALIBRATED_KS.length * BOUND_WIDTHS.length)) - 1;
/** Each leaf is expected to hold as many hits as any other. */
export const FLAT: ProbeModel = { gap: 0, gapSquared: 0, relativeGap: 0, logSize: 0, logRank: 0 };

/** Queries whose i-th neighbour is in the leaf of this rank, read by every rerank; leaves are one apart and hold ten vectors each. */
export function profilesOf(
  queries: number,
  rankOf: (query: number, i: number) => number,
  {
    model = FLAT,
    leaves = LEAVES,
    change = () => {},
  }: { model?: ProbeModel; leaves?: number; change?: (sample: QuerySample, query: number) => void } = {},
): LeafProfiles {
  const shape = { queries, leaves: LEAVES };
  const buffer = allocateSamples(shape);
  const samples = Array.from({ length: queries }, (_, query) => {
    const sample = new QuerySample(buffer, shape, query);
    sample.count = NEIGHBOURS_CALIBRATED;
    sample.leafDistances.set(sample.leafDistances.map((_, i) => i));
    sample.leafSizes.fill(10);
    sample.leafMeans.set(sample.leafMeans.map((_, i) => i + 1));
    sample.leafSpreads.fill(1);
    sample.kthDistances.fill(0.5);
    sample.questionable.fill(100, 0, CALIBRATED_KS.length * BOUND_WIDTHS.length);
    sample.leafRanks.set(sample.leafRanks.map((_, i) => rankOf(query, i)));
    sample.estimateRanks.set(sample.estimateRanks.map((_, i) => i));
    sample.bounds.fill(ALL_READ);
    change(sample, query);
    return sample;
  });
  return new LeafProfiles(samples, LEAVES, leaves, model);
}
