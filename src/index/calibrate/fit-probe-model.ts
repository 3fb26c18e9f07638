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

interface Observation {
  features: Float64Array;
  hits: number;
  weight: number;
}

/** @returns undefined when there is nothing to learn from, or the fit does not converge */
export function fitProbeModel(samples: QuerySample[], leaves: number): ProbeModel | undefined {
  const observations = observe(samples, Math.min(leaves, LEAVES_MAX));
  if (observations.length === 0) return undefined;
  const scale = standardise(observations);
  let weights = new Float64Array(FEATURES);
  const hits = observations.reduce((sum, one) => sum + one.hits * one.weight, 0);
  weights[0] = Math.log(hits / observations.reduce((sum, one) => sum + one.weight, 0));
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

function observe(samples: QuerySample[], leaves: number): Observation[] {
  const observations: Observation[] = [];
  const step = Math.max(1, Math.floor(samples.length / QUERIES_MAX));
  for (let s = 0; s < samples.length; s += step) {
    const sample = samples[s] as QuerySample;
    const hits = new Uint8Array(leaves);
    for (const rank of sample.leafRanks.subarray(0, Math.min(NEIGHBOURS, sample.count))) {
      if (rank < leaves) hits[rank] = (hits[rank] as number) + 1;
    }
    for (let leaf = 0; leaf < leaves; leaf++) {
      const isSparse = leaf >= LEAVES_DENSE && hits[leaf] === 0;
      if (isSparse && leaf % SPARSE_STEP !== 0) continue;
      const weight = isSparse ? SPARSE_STEP : 1;
      observations.push({ features: featuresOf(sample, leaf, leaves), hits: hits[leaf] as number, weight });
    }
  }
  return observations;
}

/** The first five are the model's, in its order behind the constant; the last two are the same for all leaves of a query. */
function featuresOf({ leafDistances, leafSizes }: QuerySample, leaf: number, leaves: number): Float64Array {
  const first = leafDistances[0] as number;
  const gap = (leafDistances[leaf] as number) - first;
  const spread = (leafDistances[Math.min(SPREAD_RANK, leaves - 1)] as number) - first;
  const relative = spread > 0 ? gap / spread : 0;
  const size = roughLog2(leafSizes[leaf] as number);
  return Float64Array.of(1, gap, gap * gap, relative, size, roughLog2(leaf + 1), spread, first);
}

/** Takes mean and deviation out of the features, the constant excepted; returns the deviations. */
function standardise(observations: Observation[]): Float64Array {
  const deviations = new Float64Array(FEATURES).fill(1);
  for (let i = 1; i < FEATURES; i++) {
    let sum = 0;
    let squares = 0;
    for (const { features } of observations) {
      sum += features[i] as number;
      squares += (features[i] as number) ** 2;
    }
    const mean = sum / observations.length;
    const deviation = Math.sqrt(Math.max(0, squares / observations.length - mean ** 2)) || 1;
    for (const { features } of observations) features[i] = ((features[i] as number) - mean) / deviation;
    deviations[i] = deviation;
  }
  return deviations;
}

function logLikelihood(observations: Observation[], weights: Float64Array): number {
  let sum = 0;
  for (const { features, hits, weight } of observations) {
    const exponent = dot(features, weights);
    sum += hits * exponent - weight * Math.exp(exponent);
  }
  return sum;
}

function newtonStep(observations: Observation[], weights: Float64Array): Float64Array | undefined {
  const rows = Array.from({ length: FEATURES }, () => new Float64Array(FEATURES + 1));
  for (const { features, hits, weight } of observations) {
    const expected = weight * Math.exp(dot(features, weights));
    for (let i = 0; i < FEATURES; i++) {
      const row = rows[i] as Float64Array;
      const value = features[i] as number;
      row[FEATURES] = (row[FEATURES] as number) + value * (hits - expected);
      for (let j = 0; j < FEATURES; j++)
        row[j] = (row[j] as number) + value * (features[j] as number) * expected;
    }
  }
  // Keeps features that do not vary, or vary together, from dividing by 0.
  for (let i = 0; i < FEATURES; i++) {
    const row = rows[i] as Float64Array;
    row[i] = (row[i] as number) * (1 + 1e-9) + 1e-6;
  }
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

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < FEATURES; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
