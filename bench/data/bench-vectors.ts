// The vectors that in-process benchmarks run on: GloVe at unit length, or made-up clusters in a smoke run.

import { clusteredVectors } from '../client/clusters.js';
import { loadGlove } from './glove.js';
import { holdOut, type Matrix, row } from './split.js';

const QUERIES = 1000;
const SMOKE = { count: 5050, dimension: 32, clusters: 50, seed: 1 };
const SMOKE_QUERIES = 50;

export async function loadBenchVectors(smoke: boolean): Promise<{ base: Matrix; queries: Matrix }> {
  const data = smoke ? clusteredVectors(SMOKE) : await glove();
  const { base, queries } = holdOut(data, smoke ? SMOKE_QUERIES : QUERIES);
  normalizeRows(base);
  normalizeRows(queries);
  return { base, queries };
}

async function glove(): Promise<Matrix> {
  const { vectors, words, dimension } = await loadGlove(undefined, console.error);
  return { values: vectors, count: words.length, dimension };
}

/** hnswlib-node has no cosine of its own: unit vectors make inner product the same. */
function normalizeRows(matrix: Matrix): void {
  for (let i = 0; i < matrix.count; i++) {
    const vector = row(matrix, i);
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    if (norm === 0) continue;
    for (let j = 0; j < vector.length; j++) vector[j] = (vector[j] as number) / norm;
  }
}
