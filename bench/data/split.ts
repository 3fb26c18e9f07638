// A data set for measuring recall: base vectors, queries that are not among them, and their true neighbours.

/** Vectors row by row. */
export interface Matrix {
  count: number;
  dimension: number;
  values: Float32Array;
}

export function row(matrix: Matrix, index: number): Float32Array {
  return matrix.values.subarray(index * matrix.dimension, (index + 1) * matrix.dimension);
}

/** Takes every n-th row out as a query, `queryCount` in all, spread evenly. */
export function holdOut(all: Matrix, queryCount: number): { base: Matrix; queries: Matrix } {
  const { dimension } = all;
  const step = Math.floor(all.count / queryCount);
  const base = new Float32Array((all.count - queryCount) * dimension);
  const queries = new Float32Array(queryCount * dimension);
  let baseCount = 0;
  let heldOut = 0;
  for (let i = 0; i < all.count; i++) {
    const isQuery = heldOut < queryCount && i === heldOut * step + (step >> 1);
    if (isQuery) queries.set(row(all, i), heldOut++ * dimension);
    else base.set(row(all, i), baseCount++ * dimension);
  }
  return {
    base: { count: baseCount, dimension, values: base },
    queries: { count: queryCount, dimension, values: queries },
  };
}

/** Share of the true nearest `k` rows, or ids, that are among the first k found. */
export function recallAt<Id>(k: number, truth: ArrayLike<Id>[], found: ArrayLike<Id>[]): number {
  let hits = 0;
  truth.forEach((expected, i) => {
    const set = new Set(Array.from(expected).slice(0, k));
    for (const row of Array.from(found[i] as ArrayLike<Id>).slice(0, k)) if (set.has(row)) hits++;
  });
  return hits / (truth.length * k);
}

/**
 * The same where rows cannot be told apart by number: found neighbours that are as near as the true k-th, within the
 * rounding of float32.
 */
export function recallByDistance(k: number, truth: ArrayLike<number>[], found: ArrayLike<number>[]): number {
  const ROUNDING = 1e-5;
  let hits = 0;
  truth.forEach((distances, i) => {
    const farthest = (distances[k - 1] as number) + ROUNDING;
    hits += Array.from(found[i] as ArrayLike<number>)
      .slice(0, k)
      .filter((distance) => distance <= farthest).length;
  });
  return hits / (truth.length * k);
}
