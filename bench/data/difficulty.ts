// How hard a data set is for nearest-neighbour search, in figures that papers give for public data sets.

import { mean } from '../report.js';
import type { Matrix } from './split.js';
import { pickRows, trueNeighbours } from './true-neighbours.js';
import { matrixRows, type VectorRows } from './vector-rows.js';

/** Neighbours that local intrinsic dimension is estimated from. */
const LID_NEIGHBOURS = 100;
const HUBNESS_NEIGHBOURS = 10;
/** Hubness compares all pairs, so it looks at a sample. */
const HUBNESS_ROWS = 10_000;

export interface Difficulty {
  /** Mean distance by distance of the nearest, over queries (He, Kumar, Chang, ICML 2012): smaller is harder. */
  relativeContrast: number;
  /** Maximum-likelihood estimate from 100 neighbours (Amsaleg et al., KDD 2015), mean over queries: larger is harder. */
  localDimension: number;
  /** Skewness of how often a row is among the 10 nearest of another (Radovanovic et al., JMLR 2010), in a sample of 10,000. */
  hubness: number;
  /** Mean cosine of random pairs: real embeddings share a direction. */
  meanCosine: number;
}

/** Of unit vectors, by Euclidean distance. */
export function difficultyOf(base: VectorRows, queries: Matrix): Difficulty {
  const { distances, meanDistances } = trueNeighbours(base, queries, LID_NEIGHBOURS);
  const nearest = mean(distances.map((of) => of[0] as number));
  return {
    relativeContrast: mean(meanDistances) / nearest,
    localDimension: mean(distances.map(localDimension)),
    hubness: hubness(base),
    meanCosine: meanCosine(base),
  };
}

function localDimension(distances: Float32Array): number {
  const farthest = distances.at(-1) as number;
  const logs = Array.from(distances.slice(0, -1), (distance) =>
    Math.log(Math.max(distance, 1e-6) / farthest),
  );
  return -1 / mean(logs);
}

function hubness(base: VectorRows): number {
  const count = Math.min(HUBNESS_ROWS, base.count);
  const numbers = Array.from({ length: count }, (_, i) => Math.floor((i * base.count) / count));
  const sample = pickRows(base, numbers);
  const { rows } = trueNeighbours(matrixRows(sample), sample, HUBNESS_NEIGHBOURS + 1);
  const occurrences = new Float64Array(count);
  for (const [query, of] of rows.entries()) {
    for (const neighbour of of) {
      if (neighbour !== query) occurrences[neighbour] = (occurrences[neighbour] as number) + 1;
    }
  }
  const expected = mean([...occurrences]);
  const deviation = Math.sqrt(mean(Array.from(occurrences, (times) => (times - expected) ** 2)));
  return mean(Array.from(occurrences, (times) => ((times - expected) / deviation) ** 3));
}

/** Of unit vectors: the squared length of their mean. */
function meanCosine(base: VectorRows): number {
  const sum = new Float64Array(base.dimension);
  const step = Math.max(1, Math.floor(base.count / HUBNESS_ROWS));
  let count = 0;
  for (let i = 0; i < base.count; i += step) {
    base.read(i, 1).forEach((value, j) => {
      sum[j] = (sum[j] as number) + value;
    });
    count++;
  }
  return sum.reduce((squares, value) => squares + (value / count) ** 2, 0);
}
