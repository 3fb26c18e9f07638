// What a build has measured about its own recall: plain data that is stored with the generation. Runs on any thread.

export interface Calibration {
  /** Stored vectors that served as queries, each left out of its own answer. */
  queries: number;
  /** By k, then by target, ascending. */
  efforts: CalibratedEffort[];
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
    return effort && { ...effort, candidates: Math.ceil((effort.candidates * k) / kMax) };
  }
  const low = reach(below ?? (above as number), targetRecall);
  const high = reach(above as number, targetRecall);
  if (low === undefined || high === undefined) return undefined;
  const between = low.k === high.k ? 0 : Math.log(k / low.k) / Math.log(high.k / low.k);
  return {
    ...(low.vectorsScannedMean > high.vectorsScannedMean ? low : high),
    candidates: Math.ceil(low.candidates ** (1 - between) * high.candidates ** between),
  };
}
