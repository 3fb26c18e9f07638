// The true neighbours of made-up embeddings, kept beside their file: at a million vectors they take a minute.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Embeddings } from '../data/embeddings.js';
import { trueNeighbours } from '../data/true-neighbours.js';

export interface Truth {
  /** Of each query: row numbers, nearest first. */
  rows: number[][];
  /** Of each query: squared Euclidean distances of those rows. */
  squares: number[][];
}

export function loadTruth({ base, queries }: Embeddings, k: number, say: (text: string) => void): Truth {
  const path = `${base.path}.truth-${queries.count}-${k}.json`;
  if (!existsSync(path)) {
    say(`comparing ${queries.count} queries with ${base.count} vectors`);
    const { rows, distances } = trueNeighbours(base, queries, k);
    const squares = distances.map((of) => Array.from(of, (distance) => distance ** 2));
    writeFileSync(path, JSON.stringify({ rows: rows.map((of) => [...of]), squares }));
  }
  return JSON.parse(readFileSync(path, 'utf8')) as Truth;
}
