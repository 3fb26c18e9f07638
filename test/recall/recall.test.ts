// Recall on fixed data: a number each metric, quantizer and number of bits must reach with the leaves a default search scans.

import t from 'tap';
import { planSearch } from '../../src/index/plan.js';
import { clustered, TestIndex } from '../index/built.js';

const COUNT = 8000;
const DIMENSION = 48;
const vectors = clustered(COUNT, DIMENSION, 2024, 60);
const queries = clustered(50, DIMENSION, 2024, 60).map((vector, i) =>
  vector.map((x, j) => x + 0.2 * Math.sin(i * 7 + j)),
);

const FLOORS = [
  { metric: 'l2', quantizer: 'rabitq', bits: 1, recall: 0.93 },
  { metric: 'l2', quantizer: 'rabitq', bits: 2, recall: 0.95 },
  { metric: 'l2', quantizer: 'rabitq', bits: 4, recall: 0.95 },
  { metric: 'cosine', quantizer: 'rabitq', bits: 2, recall: 0.95 },
  { metric: 'dot', quantizer: 'rabitq', bits: 2, recall: 0.95 },
  { metric: 'cosine', quantizer: 'sign', bits: 1, recall: 0.9 },
] as const;

for (const { recall: floor, ...given } of FLOORS) {
  t.test(
    `${given.metric}, ${given.quantizer}, ${given.bits} bits: recall@10 of a default search is at least ${floor}`,
    async (t) => {
      const index = new TestIndex(vectors, { ...given, dimension: DIMENSION, maxLeafSize: 200 });
      const plan = planSearch(index.settings, index.generation.leaves, { k: 10 });
      const recall = index.recall(queries, { k: 10, ...plan });
      t.ok(recall >= floor, `recall ${recall} with ${plan.probes} of ${index.generation.leaves} leaves`);
    },
  );
}
