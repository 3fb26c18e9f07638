// How wide the lower bounds of a search are, by what it is to reach. Runs on any thread.

/**
 * What a search has not kept must be estimated so many error bounds, of 1.9 deviations each, beyond the k-th it has found. The bound
 * of a code loses one in thirty or so of what lies right at the k-th: too many for targets above TARGET_HIGH.
 */
export const BOUND_WIDTHS = [1, 1.5] as const;
const TARGET_HIGH = 0.95;

/** Which of BOUND_WIDTHS the searches for a target take. */
export function widthsIndexOf(targetRecall: number): 0 | 1 {
  return targetRecall > TARGET_HIGH ? 1 : 0;
}
