// How wide the lower bounds of a search are, by what it is to reach. Runs on any thread.

/**
 * What a search has not kept must be estimated so many error bounds, of 1.9 deviations each, beyond the k-th it has found: for targets up
 * to TARGET_HIGH, and above. Narrower bounds read fewer vectors and lose more of those right at the k-th, which the calibration makes up
 * for by more leaves; docs/decisions/0020-recall-that-holds.md has what was measured.
 */
export const BOUND_WIDTHS = [0.8, 1.2] as const;
const TARGET_HIGH = 0.95;

/** So many times as wide are bounds where no calibration tells what they lose, and so many times as many candidates may be kept. */
export const UNCALIBRATED_FACTOR = 1.25;
export const UNCALIBRATED_CANDIDATES = 2;

/** Which of BOUND_WIDTHS the searches for a target take. */
export function widthsIndexOf(targetRecall: number): 0 | 1 {
  return targetRecall > TARGET_HIGH ? 1 : 0;
}
