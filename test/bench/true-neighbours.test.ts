// What the benchmarks measure recall against.

import t from 'tap';
import type { Matrix } from '../../bench/data/split.js';
import { recallAt, recallByDistance, row } from '../../bench/data/split.js';
import { trueNeighbours } from '../../bench/data/true-neighbours.js';
import { matrixRows } from '../../bench/data/vector-rows.js';
import { seededRandom } from '../../src/index/random.js';

const DIMENSION = 100;
const K = 7;

function randomMatrix(count: number, seed: number): Matrix {
  const random = seededRandom(seed);
  const values = Float32Array.from({ length: count * DIMENSION }, () => random() - 0.5);
  return { count, dimension: DIMENSION, values };
}

t.test('the nearest rows, their distances and the mean are those of a plain comparison of all', async (t) => {
  const base = randomMatrix(3000, 1);
  const queries = randomMatrix(5, 2);
  const found = trueNeighbours(matrixRows(base), queries, K);
  for (let query = 0; query < queries.count; query++) {
    const distances = Array.from({ length: base.count }, (_, i) =>
      Math.hypot(...row(base, i).map((value, j) => value - (row(queries, query)[j] as number))),
    );
    const order = distances
      .map((_, i) => i)
      .sort((a, b) => (distances[a] as number) - (distances[b] as number));
    t.strictSame([...(found.rows[query] as Uint32Array)], order.slice(0, K));
    const nearest = found.distances[query]?.[0] as number;
    t.ok(Math.abs(nearest - (distances[order[0] as number] as number)) < 1e-4);
    const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
    t.ok(Math.abs((found.meanDistances[query] as number) - mean) < 1e-3);
  }
});

t.test('recall counts what is found of the nearest, by number or by distance', async (t) => {
  t.equal(recallAt(2, [[1, 2, 3]], [[2, 9]]), 0.5);
  t.equal(recallByDistance(2, [[0.1, 0.2, 0.3]], [[0.1, 0.25]]), 0.5);
  t.equal(recallByDistance(2, [[0.1, 0.2, 0.3]], [[0.2, 0.2]]), 1);
});
