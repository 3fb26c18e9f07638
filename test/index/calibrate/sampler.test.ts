// What a calibration measures of a stored vector, against brute force.

import t from 'tap';
import { CALIBRATED_KS, QuerySample } from '../../../src/index/calibrate/samples.js';
import { LEAF_ENTRY_BYTES } from '../../../src/kernels/layout.js';
import { clustered, nearestOf, TestIndex } from '../built.js';

const COUNT = 1000;
const DIMENSION = 20;
const WORDS = LEAF_ENTRY_BYTES / 4;

for (const given of [
  { metric: 'l2', bits: 2 },
  { metric: 'cosine', bits: 1 },
  { metric: 'dot', bits: 4 },
  { metric: 'cosine', bits: 1, quantizer: 'sign' },
] as const) {
  t.test(`neighbours, their leaves and their ranks are the true ones: ${Object.values(given)}`, async (t) => {
    const vectors = clustered(COUNT, DIMENSION, 5);
    const index = new TestIndex(vectors, { ...given, dimension: DIMENSION, maxLeafSize: 40 });
    const { generation } = index;
    const { shape, buffer } = index.samples();
    t.equal(shape.queries, COUNT);
    t.equal(shape.leaves, generation.leaves);
    const table = generation.leafTable;
    const leafOf = (slot: number): number => {
      for (let leaf = 0; leaf < generation.leaves; leaf++) {
        const first = table[leaf * WORDS + 2] as number;
        if (slot >= first && slot < first + (table[leaf * WORDS + 1] as number)) return leaf;
      }
      return -1;
    };
    for (let query = 3; query < COUNT; query += 397) {
      const sample = new QuerySample(buffer, shape, query);
      const row = generation.rowOf(query);
      const vector = vectors[row] as Float32Array;
      const truth = nearestOf(given.metric, vectors, vector, 100, (other) => other !== row);
      t.equal(sample.count, 100);
      t.ok(sample.leafDistances.every((distance, i, all) => i === 0 || distance >= (all[i - 1] as number)));
      t.equal(
        sample.leafSizes.reduce((sum, size) => sum + size, 0),
        COUNT,
      );
      // Probing just so many leaves finds a neighbour, one fewer does not.
      for (const i of [0, 9, 99]) {
        const rank = sample.leafRanks[i] as number;
        const slot = generation.slotRows.indexOf((truth[i] as { row: number }).row);
        const found = (probes: number) =>
          probes > 0 &&
          index
            .search({ vector, k: 1000, probes, rerankFactor: COUNT / 1000 })
            .rows.includes(truth[i]?.row ?? -1);
        t.ok(
          leafOf(slot) >= 0 && found(rank + 1) && !found(rank),
          `${query}: neighbour ${i} in leaf ${rank}`,
        );
      }
      const ranks = [...sample.estimateRanks];
      t.equal(new Set(ranks).size, 100);
      t.ok(ranks.every((rank) => rank < COUNT - 1));
      t.ok((ranks[0] as number) < 60, `the nearest is ${ranks[0]} by its estimate`);
      if (given.metric !== 'dot') t.ok(sample.bounds.filter((bits) => bits & 4).length > 90);
      t.ok(sample.bounds.every((bits) => bits < 1 << CALIBRATED_KS.length));
    }
  });
}
