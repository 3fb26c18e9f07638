// What a build has measured about its own recall: plain data that is stored with the generation. Runs on any thread.

export interface Calibration {
  /** Stored vectors that served as queries, each left out of its own answer. */
  queries: number;
  /** By k, then by target, ascending; targets that no effort reaches are left out. */
  efforts: CalibratedEffort[];
  /** By k, then by misses, then by confidence, ascending; what no effort promises is left out. */
  guarantees: Guarantee[];
  /** Queries are unlike those of the calibration where the nearest leaf is more remote than this; expected-hits.ts. */
  nearestMax: number;
}

/**
 * The work after which a query misses at most so many of its k nearest neighbours, with at least this probability: of a query that is
 * exchangeable with those of the calibration, over the draws of both (split conformal prediction: Vovk et al., Algorithmic Learning in a
 * Random World, 2005, section 4.1).
 */
export interface Guarantee {
  k: number;
  misses: number;
  confidence: number;
  probes: number;
  probeShare: number;
  candidates: number;
  leftMax: number;
  missedMax: number;
}

/** The work that reaches a recall. */
export interface CalibratedEffort {
  k: number;
  targetRecall: number;
  /** Leaves to rank exactly: the most that are scanned. */
  probes: number;
  /** Of the ranked leaves so many are scanned that they hold this share of the expected hits; 1 = all of them. */
  probeShare: number;
  /** Vectors that the scan keeps for the rerank, at most. */
  candidates: number;
  /** Where more hits are to be expected in the leaves left out, further leaves are scanned until they are not. */
  leftMax: number;
  /** Hits that one in two hundred queries has to expect in the leaves that are left out: more tell of a query of another kind. */
  missedMax: number;
  /** Mean over the queries, and its standard error. */
  recall: number;
  standardError: number;
  probesMean: number;
  vectorsScannedMean: number;
}

/**
 * The calibrated effort for a k and a target: that of the next higher target, and of the k's on both sides whichever
 * is more. Beyond the largest k each tenfold k is as if half the misses were allowed.
 * @returns undefined where nothing that is calibrated reaches the target
 */
export function effortFor(
  { efforts }: Calibration,
  k: number,
  targetRecall: number,
): CalibratedEffort | undefined {
  const ks = [...new Set(efforts.map((effort) => effort.k))];
  const below = ks.findLast((one) => one <= k);
  const above = ks.find((one) => one >= k);
  const kMax = ks.at(-1);
  if (kMax === undefined) return undefined;
  const reach = (one: number, target: number) =>
    efforts.find((effort) => effort.k === one && effort.targetRecall >= target - 1e-9);
  if (k > kMax) {
    const misses = (1 - targetRecall) * 2 ** -Math.log10(k / kMax);
    const effort = reach(kMax, 1 - misses);
    if (effort === undefined) return undefined;
    const times = k / kMax;
    return {
      ...effort,
      candidates: Math.ceil(effort.candidates * times),
      leftMax: effort.leftMax * times,
      missedMax: effort.missedMax * times,
    };
  }
  const low = reach(below ?? (above as number), targetRecall);
  const high = reach(above as number, targetRecall);
  if (low === undefined || high === undefined) return undefined;
  const between = low.k === high.k ? 0 : Math.log(k / low.k) / Math.log(high.k / low.k);
  const dearer = low.vectorsScannedMean > high.vectorsScannedMean ? low : high;
  return {
    ...dearer,
    candidates: Math.ceil(low.candidates ** (1 - between) * high.candidates ** between),
    leftMax: dearer.leftMax * Math.min(1, k / dearer.k),
    missedMax: dearer.missedMax * Math.min(1, k / dearer.k),
  };
}

/**
 * The work after which a query finds at least `minRecall` of its k nearest with at least this confidence. Fewer neighbours
 * than were calibrated are no more often missed than all of those: the misses that are allowed of k are allowed of the next larger
 * calibrated k.
 * @returns undefined where the calibration cannot tell
 */
export function guaranteeFor(
  { guarantees }: Calibration,
  k: number,
  minRecall: number,
  confidence: number,
): Guarantee | undefined {
  const misses = k - Math.ceil(minRecall * k - 1e-9);
  const kCalibrated = guarantees.find((one) => one.k >= k)?.k;
  const serving = guarantees.filter(
    (one) => one.k === kCalibrated && one.misses <= misses && one.confidence >= confidence - 1e-9,
  );
  return serving.toSorted((a, b) => b.misses - a.misses || a.confidence - b.confidence)[0];
}
