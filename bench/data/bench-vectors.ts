// The vectors that in-process benchmarks run on, at unit length: GloVe, made-up embeddings, or little of them in a smoke run.

import { clusteredVectors } from '../client/clusters.js';
import { loadEmbeddings } from './embeddings.js';
import { loadGlove } from './glove.js';
import { holdOut, type Matrix } from './split.js';
import { normalizeRows, wholeMatrix } from './vector-rows.js';

const SMOKE = { count: 5050, dimension: 32, clusters: 50, seed: 1 };
const SMOKE_QUERIES = 50;
const EMBEDDINGS_COUNT = '100000';

/** The options that say which. */
export const DATA_OPTIONS = {
  data: { type: 'string', default: 'glove' },
  count: { type: 'string' },
  queries: { type: 'string', default: '1000' },
} as const;
export const DATA_HELP = '--count   only so many vectors; of embeddings 100,000 if not said';

export interface BenchData {
  name: string;
  base: Matrix;
  queries: Matrix;
}

export async function loadBenchData(
  wanted: { data: string; count?: string | undefined; queries: string; smoke: boolean },
  say: (text: string) => void,
): Promise<BenchData> {
  if (wanted.smoke) return { name: 'smoke', ...heldOut(clusteredVectors(SMOKE), SMOKE_QUERIES) };
  const queries = Number(wanted.queries);
  switch (wanted.data) {
    case 'glove': {
      const limit = wanted.count === undefined ? undefined : Number(wanted.count);
      const { vectors, words, dimension } = await loadGlove(limit, say);
      return { name: 'glove', ...heldOut({ values: vectors, count: words.length, dimension }, queries) };
    }
    case 'embeddings': {
      const count = Number(wanted.count ?? EMBEDDINGS_COUNT);
      const made = await loadEmbeddings({ count, queries }, say);
      const base = wholeMatrix(made.base);
      made.base.close();
      return { name: 'embeddings', base, queries: made.queries };
    }
    default:
      throw new Error(`--data is glove or embeddings, not ${wanted.data}`);
  }
}

function heldOut(all: Matrix, queryCount: number): { base: Matrix; queries: Matrix } {
  const { base, queries } = holdOut(all, queryCount);
  return { base: normalizeRows(base), queries: normalizeRows(queries) };
}
