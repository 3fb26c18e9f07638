// What a calibration measures of a stored vector, against brute force.

import t from 'tap';
import { BOUND_WIDTHS } from '../../../src/index/bound-widths.js';
import { boundBit, CALIBRATED_KS, QuerySample } from '../../../src/index/calibrate/samples.js';
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
      const self = generation.rowOf(query);
      const vector = vectors[self] as Float32Array;
      const truth = nearestOf(given.metric, vectors, vector, 100, (other) => other !== self);
      t.equal(sample.count, 100);
      t.ok(sample.leafDistances.every((distance, i, all) => i === 0 || distance >= (all[i - 1] as number)));
      t.equal(
        sample.leafSizes.reduce((sum, size) => sum + size, 0),
        COUNT,
      );
      // Probing just so many leaves finds a neighbour, one fewer does not.
      for (const i of [0, 9, 99]) {
        const rank = sample.leafRanks[i] as number;
        const { row } = truth[i] as { row: number };
        const slot = generation.slotRows.indexOf(row);
        const found = (probes: number) =>
          probes > 0 && inLeaves(index, vector, sample.leafSizes.subarray(0, probes)).includes(row);
        t.ok(
          leafOf(slot) >= 0 && found(rank + 1) && !found(rank),
          `${query}: neighbour ${i} in leaf ${rank}`,
        );
      }
      const ranks = [...sample.estimateRanks];
      t.equal(new Set(ranks).size, 100);
      t.ok(ranks.every((rank) => rank < COUNT - 1));
      t.ok((ranks[0] as number) < 60, `the nearest is ${ranks[0]} by its estimate`);
      const readBy = (widths: 0 | 1): number =>
        sample.bounds.filter((bits) => bits & boundBit(CALIBRATED_KS.length - 1, widths)).length;
      if (given.metric !== 'dot') t.ok(readBy(0) > 90);
      t.ok(readBy(1) >= readBy(0), 'wider bounds lose no more');
      t.ok(sample.bounds.every((bits) => bits < 1 << (CALIBRATED_KS.length * BOUND_WIDTHS.length)));
      for (const [kIndex, k] of CALIBRATED_KS.entries()) {
        const kth = sample.kthDistances[kIndex] as number;
        // For dot it is that of a query of another length.
        const isClose = Math.abs(kth - (truth[k - 1]?.distance as number)) < 1e-4 * (1 + kth);
        t.ok(given.metric === 'dot' || isClose);
        const [narrow = 0, wide = 0] = sample.questionable.subarray(2 * kIndex, 2 * kIndex + 2);
        if ('quantizer' in given) t.strictSame([narrow, wide], [0, 0], 'sign codes have no bounds');
        else t.ok(narrow > k / 2 - 1 && narrow <= wide && wide <= COUNT, `${k}: ${narrow}, ${wide}`);
      }
    }
  });
}

/** All rows of the nearest leaves, which are of these sizes. */
function inLeaves(index: TestIndex, vector: Float32Array, sizes: Uint32Array): Uint32Array {
  const k = sizes.reduce((sum, size) => sum + size, 0);
  return index.search({ vector, k, probes: sizes.length, rerankFactor: COUNT / k }).rows;
}
