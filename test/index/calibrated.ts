// A calibration by formulas, for tests of what is made of one.

import type { CalibratedEffort, Calibration, Guarantee } from '../../src/index/calibration.js';

export function effort(k: number, targetRecall: number): CalibratedEffort {
  const probes = Math.round((10 * (1 + Math.log10(k))) / (1 - targetRecall));
  return {
    ...{ k, targetRecall, probes, probeShare: targetRecall, candidates: 20 * k },
    ...{ recall: targetRecall + 0.005, standardError: 0.003, probesMean: probes / 2 },
    vectorsScannedMean: probes * 100,
    leftMax: 0.5 * (1 - targetRecall) * k,
    missedMax: (1 - targetRecall) * k,
  };
}

export function guarantee(k: number, misses: number, confidence: number): Guarantee {
  const probeShare = (1 - 0.05 * Math.log1p(misses)) * confidence;
  return {
    k,
    misses,
    confidence,
    probes: 300,
    probeShare,
    candidates: 30 * k,
    leftMax: 0.01 * k,
    missedMax: 0.01 * k,
  };
}

export const calibration: Calibration = {
  queries: 1000,
  nearestMax: 3,
  efforts: [1, 10, 100].flatMap((k) => [0.8, 0.9, 0.95, 0.99].map((target) => effort(k, target))),
  guarantees: [1, 10, 100].flatMap((k) =>
    [0, 1, 4, 10].flatMap((misses) =>
      misses < k ? [0.5, 0.95, 0.99].map((confidence) => guarantee(k, misses, confidence)) : [],
    ),
  ),
};
