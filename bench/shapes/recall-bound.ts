// Statistics of one cell: the mean recall of its queries, and how high the true mean may be.

/** One-sided 99.9 %. */
const ERRORS = 3.09;
const DOUBT = 0.001;

export interface RecallBound {
  mean: number;
  /** With 99.9 % certainty the mean over all queries that could be asked is no higher. */
  upper: number;
}

/**
 * Mean and standard errors. Where all queries have the same recall the errors say nothing; then a value that was not seen
 * has a share of 1 - doubt^(1/n) at most, and is taken to be 1.
 */
export function recallBound(recalls: ArrayLike<number>): RecallBound {
  const count = recalls.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += recalls[i] as number;
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += ((recalls[i] as number) - mean) ** 2;
  const error = Math.sqrt(squares / Math.max(1, count - 1) / count);
  const unseen = 1 - DOUBT ** (1 / count);
  const isAlike = error < 1e-12;
  const upper = isAlike ? mean + unseen * (1 - mean) : mean + ERRORS * error;
  return { mean, upper: Math.min(1, upper) };
}
