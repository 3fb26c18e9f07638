// Fits the weights of a ProbeModel: Poisson regression of the hits that leaves turned out to have, by Newton's method.
// Runs on the leader of a build.

import { type ProbeModel, roughLog2, SPREAD_RANK } from '../probe-model.js';
import type { QuerySample } from './samples.js';

/** Hits are those of so many nearest neighbours. */
const NEIGHBOURS = 10;
/** Queries and leaves that the fit looks at; of the leaves behind the first ones every fourth, which then counts for four. */
const QUERIES_MAX = 400;
const LEAVES_MAX = 512;
const LEAVES_DENSE = 96;
const SPARSE_STEP = 4;
const ROUNDS_MAX = 20;
const FEATURES = 8;

/** What was seen of leaves, one after another. */
interface Observations {
  count: number;
  /** FEATURES of each. */
  features: Float64Array;
  hits: Uint8Array;
  weights: Uint8Array;
}

/** @returns undefined when there is nothing to learn from, or the fit does not converge */
export function fitProbeModel(samples: QuerySample[], leaves: number): ProbeModel | undefined {
  const observations = observe(samples, Math.min(leaves, LEAVES_MAX));
  if (observations.count === 0) return undefined;
  const scale = standardise(observations);
  let weights = new Float64Array(FEATURES);
  const hits = observations.hits.reduce((sum, value) => sum + value, 0);
  weights[0] = Math.log(hits / observations.weights.reduce((sum, value) => sum + value, 0));
  let likelihood = logLikelihood(observations, weights);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const step = newtonStep(observations, weights);
    if (step === undefined) return undefined;
    let part = 1;
    let next = weights;
    let better = Number.NEGATIVE_INFINITY;
    // A whole step can overshoot.
    for (; part > 1e-4 && !(better > likelihood); part /= 2) {
      next = weights.map((weight, i) => weight + part * (step[i] as number));
      better = logLikelihood(observations, next);
    }
    if (!(better > likelihood)) break;
    const gained = better - likelihood;
    weights = next;
    likelihood = better;
    if (gained < 1e-4 * hits) break;
  }
  return modelOf(weights, scale);
}

function observe(samples: QuerySample[], leaves: number): Observations {
  const step = Math.max(1, Math.floor(samples.length / QUERIES_MAX));
  const room = Math.ceil(samples.length / step) * leaves;
  const features = new Float64Array(room * FEATURES);
  const hits = new Uint8Array(room);
  const weights = new Uint8Array(room);
  let count = 0;
  for (let s = 0; s < samples.length; s += step) {
    const sample = samples[s] as QuerySample;
    const hitsOfLeaf = new Uint8Array(leaves);
    for (const rank of sample.leafRanks.subarray(0, Math.min(NEIGHBOURS, sample.count))) {
      if (rank < leaves) hitsOfLeaf[rank] = (hitsOfLeaf[rank] as number) + 1;
    }
    for (let leaf = 0; leaf < leaves; leaf++) {
      const isSparse = leaf >= LEAVES_DENSE && hitsOfLeaf[leaf] === 0;
      if (isSparse && leaf % SPARSE_STEP !== 0) continue;
      features.set(featuresOf(sample, leaf, leaves), count * FEATURES);
      hits[count] = hitsOfLeaf[leaf] as number;
      weights[count++] = isSparse ? SPARSE_STEP : 1;
    }
  }
  return { count, features, hits, weights };
}

/** The first five are the model's, in its order behind the constant; the last two are the same for all leaves of a query. */
function featuresOf({ leafDistances, leafSizes }: QuerySample, leaf: number, leaves: number): number[] {
  const first = leafDistances[0] as number;
  const gap = (leafDistances[leaf] as number) - first;
  const spread = (leafDistances[Math.min(SPREAD_RANK, leaves - 1)] as number) - first;
  const relative = spread > 0 ? gap / spread : 0;
  const size = roughLog2(leafSizes[leaf] as number);
  return [1, gap, gap * gap, relative, size, roughLog2(leaf + 1), spread, first];
}

/** Takes mean and deviation out of the features, the constant excepted; returns the deviations. */
function standardise({ count, features }: Observations): Float64Array {
  const deviations = new Float64Array(FEATURES).fill(1);
  for (let i = 1; i < FEATURES; i++) {
    let sum = 0;
    let squares = 0;
    for (let at = i; at < count * FEATURES; at += FEATURES) {
      sum += features[at] as number;
      squares += (features[at] as number) ** 2;
    }
    const mean = sum / count;
    const deviation = Math.sqrt(Math.max(0, squares / count - mean ** 2)) || 1;
    for (let at = i; at < count * FEATURES; at += FEATURES)
      features[at] = ((features[at] as number) - mean) / deviation;
    deviations[i] = deviation;
  }
  return deviations;
}

function logLikelihood(
  { count, features, hits, weights: counts }: Observations,
  weights: Float64Array,
): number {
  let sum = 0;
  for (let one = 0; one < count; one++) {
    const exponent = dot(features, one * FEATURES, weights);
    sum += (hits[one] as number) * exponent - (counts[one] as number) * Math.exp(exponent);
  }
  return sum;
}

function newtonStep(
  { count, features, hits, weights: counts }: Observations,
  weights: Float64Array,
): Float64Array | undefined {
  const gradient = new Float64Array(FEATURES);
  /** Below and on the diagonal. */
  const curvature = new Float64Array(FEATURES * FEATURES);
  for (let one = 0; one < count; one++) {
    const at = one * FEATURES;
    const expected = (counts[one] as number) * Math.exp(dot(features, at, weights));
    const surplus = (hits[one] as number) - expected;
    for (let i = 0; i < FEATURES; i++) {
      const value = features[at + i] as number;
      gradient[i] = (gradient[i] as number) + value * surplus;
      const weighted = value * expected;
      for (let j = 0; j <= i; j++) {
        const cell = i * FEATURES + j;
        curvature[cell] = (curvature[cell] as number) + weighted * (features[at + j] as number);
      }
    }
  }
  const rows = Array.from({ length: FEATURES }, (_, i) =>
    Float64Array.from({ length: FEATURES + 1 }, (_, j) => {
      if (j === FEATURES) return gradient[i] as number;
      const value = curvature[Math.max(i, j) * FEATURES + Math.min(i, j)] as number;
      // Keeps features that do not vary, or vary together, from dividing by 0.
      return i === j ? value * (1 + 1e-9) + 1e-6 : value;
    }),
  );
  return solve(rows);
}

/** Gauss-Jordan elimination; the right side is each row's last number. Undefined when the numbers run away. */
function solve(rows: Float64Array[]): Float64Array | undefined {
  const size = rows.length;
  for (let i = 0; i < size; i++) {
    const pivotRow = rows[i] as Float64Array;
    for (let r = 0; r < size; r++) {
      if (r === i) continue;
      const row = rows[r] as Float64Array;
      const factor = (row[i] as number) / (pivotRow[i] as number);
      for (let c = i; c <= size; c++) row[c] = (row[c] as number) - factor * (pivotRow[c] as number);
    }
  }
  const solution = Float64Array.from(rows, (row, i) => (row[size] as number) / (row[i] as number));
  return solution.every(Number.isFinite) ? solution : undefined;
}

function modelOf(weights: Float64Array, deviations: Float64Array): ProbeModel | undefined {
  const [, gap, gapSquared, relativeGap, logSize, logRank] = weights.map(
    (weight, i) => weight / (deviations[i] as number) / Math.LN2,
  ) as unknown as [number, number, number, number, number, number];
  const model = { gap, gapSquared, relativeGap, logSize, logRank };
  return Object.values(model).every(Number.isFinite) ? model : undefined;
}

function dot(features: Float64Array, at: number, weights: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < FEATURES; i++) sum += (features[at + i] as number) * (weights[i] as number);
  return sum;
}
