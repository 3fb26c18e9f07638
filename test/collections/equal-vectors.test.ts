// Searches with a vector that is kept: its point has the best score there is, exactly, and passes it as a threshold.

import t, { type Test } from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { gaussian, random } from '../kernels/arena.js';
import { batchOf } from './batches.js';
import { creation, openEngine, searchFor } from './engine.js';

t.setTimeout(300_000);

const COUNT = 300;
const LOOKED_AT = 15;
const PRECISIONS = ['float32', 'float16', 'int8'] as const;
const SHAPES = [
  { dimension: 3, scale: 1e-12 },
  { dimension: 37, scale: 1 },
  { dimension: 20, scale: 1e12 },
];
const BEST = { l2: 0, cosine: 1 };
/** By cosine, a vector of the same direction is as good. */
const FACTORS = { l2: [1], cosine: [1, 3, 0.01] };

/** Each point is found alone by the vector it is given back with, at the best score. */
async function findEach(t: Test, collection: Collection, metric: 'l2' | 'cosine'): Promise<void> {
  for (let id = 0; id < LOOKED_AT; id++) {
    const given = (await collection.getPoint(id)).vector;
    for (const factor of FACTORS[metric]) {
      const vector = given.map((value) => value * factor);
      for (const exact of [true, false]) {
        const request = { vector, k: 5, exact, score_threshold: BEST[metric] };
        const { results } = await collection.search(searchFor(request));
        const found = results.map((hit) => ({ id: hit.id, score: hit.score }));
        t.strictSame(found, [{ id, score: BEST[metric] }], `${id} x ${factor}, exact: ${exact}`);
      }
    }
  }
}

for (const precision of PRECISIONS) {
  for (const metric of ['l2', 'cosine'] as const) {
    t.test(
      `${precision}, ${metric}: a kept vector finds its point and no other at the best score`,
      async (t) => {
        const engine = await openEngine(t);
        for (const { dimension, scale } of SHAPES) {
          const storage = { backend: 'mmap', precision } as const;
          const request = creation({ name: `of-${dimension}`, dimension, metric, storage });
          const collection = await engine.collections.create(request);
          const next = random(dimension);
          const points = Array.from({ length: COUNT }, (_, id) => ({
            id,
            vector: gaussian(next, dimension, scale),
          }));
          await collection.upsert(batchOf(points, precision));
          await findEach(t, collection, metric);
          await collection.startBuild({ max_leaf_size: 60 }).done;
          await findEach(t, collection, metric);
        }
      },
    );
  }
}

t.test('of vectors that differ by a hundred-thousandth of one number each finds itself first', async (t) => {
  const engine = await openEngine(t);
  const vector = gaussian(random(5), 21);
  const points = Array.from({ length: 20 }, (_, id) => ({
    id,
    vector: vector.map((value, i) => value * (i === id ? 1 + 1e-5 : 1)),
  }));
  for (const metric of ['l2', 'cosine'] as const) {
    const collection = await engine.collections.create(creation({ name: metric, dimension: 21, metric }));
    await collection.upsert(batchOf(points));
    for (const { id, vector } of points) {
      const { results } = await collection.search(searchFor({ vector, k: 20, exact: true }));
      t.equal(results[0]?.id, id);
      t.equal(results[0]?.score, BEST[metric]);
    }
  }
});
