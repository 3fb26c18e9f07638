// usearch as an engine of the search benchmark: its graph over float32, float16 or int8 vectors.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { row } from '../data/split.js';
import { type Engine, type EngineOptions, timedBuild } from './engine.js';
import { GRAPH } from './graph.js';
import type { PeerPackages } from './peer-packages.js';

const EXPANSIONS = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768];
const THREADS = 1;
/** Vectors added at once, so that progress can be seen. */
const BATCH = 10_000;

export const USEARCH_SCALARS = ['f32', 'f16', 'i8'] as const;
type Scalar = (typeof USEARCH_SCALARS)[number];

interface Package {
  Index: new (options: {
    dimensions: number;
    metric: 'cos';
    quantization: Scalar;
    connectivity: number;
    expansion_add: number;
    expansion_search: number;
    multi: boolean;
  }) => Index;
}

interface Index {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(vector: Float32Array, k: number, threads: number): { keys: BigUint64Array };
  save(path: string): void;
  view(path: string): void;
}

/** Its width of search is fixed when an index is made: each effort is a view of the same file, whose pages they share. */
export async function usearch(
  { base, queries, k, ...options }: EngineOptions,
  scalar: Scalar,
  packages: PeerPackages,
): Promise<Engine> {
  const { Index } = packages.load<Package>('usearch');
  const name = `usearch-${scalar}`;
  const path = join(options.directory, `${name}.bin`);
  const make = (expansionSearch: number) =>
    new Index({
      dimensions: base.dimension,
      metric: 'cos',
      quantization: scalar,
      connectivity: GRAPH.m,
      expansion_add: GRAPH.efConstruction,
      expansion_search: expansionSearch,
      multi: false,
    });
  const build = await timedBuild(options, path, () => {
    const index = make(GRAPH.efConstruction);
    for (let first = 0; first < base.count; first += BATCH) {
      const count = Math.min(BATCH, base.count - first);
      const keys = BigUint64Array.from({ length: count }, (_, i) => BigInt(first + i));
      const vectors = base.values.subarray(first * base.dimension, (first + count) * base.dimension);
      index.add(keys, vectors, THREADS);
    }
    index.save(path);
  });
  return {
    name,
    about: `usearch ${packages.version('usearch')}, ${scalar}, connectivity ${GRAPH.m}, expansion_add ${GRAPH.efConstruction}`,
    build,
    indexBytes: statSync(path).size,
    fileBytes: 0,
    efforts: EXPANSIONS.map((expansion) => {
      const index = make(expansion);
      index.view(path);
      return {
        setting: `expansion ${expansion}`,
        search: (query) => Array.from(index.search(row(queries, query), k, THREADS).keys, Number),
      };
    }),
    close: async () => {},
  };
}
