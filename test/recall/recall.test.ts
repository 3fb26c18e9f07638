// Recall on fixed data: a number each metric, quantizer and number of bits must reach with a few leaves.

import t from 'tap';
import type { Precision } from '../../src/contract/index-settings.js';
import { planSearch, type SearchShape } from '../../src/index/plan.js';
import { clustered, nearestOf, TestIndex } from '../index/built.js';

const COUNT = 8000;
const DIMENSION = 48;
const vectors = clustered(COUNT, DIMENSION, 2024, 60);
const queries = clustered(50, DIMENSION, 2024, 60).map((vector, i) =>
  vector.map((x, j) => x + 0.2 * Math.sin(i * 7 + j)),
);

/** Before anything was calibrated: a few times the square root of the leaves, and the candidates that are usual for the code. */
function rootPlan(shape: SearchShape) {
  return planSearch(shape, null, { k: 10, probes: Math.ceil(3 * Math.sqrt(shape.leaves)) });
}

const FLOORS = [
  { metric: 'l2', quantizer: 'rabitq', bits: 1, recall: 0.93 },
  { metric: 'l2', quantizer: 'rabitq', bits: 2, recall: 0.95 },
  { metric: 'l2', quantizer: 'rabitq', bits: 4, recall: 0.95 },
  { metric: 'cosine', quantizer: 'rabitq', bits: 2, recall: 0.95 },
  { metric: 'dot', quantizer: 'rabitq', bits: 2, recall: 0.95 },
  { metric: 'cosine', quantizer: 'sign', bits: 1, recall: 0.9 },
] as const;

/** Of the neighbours among the vectors as they were given, so that what rounding loses counts. */
const PRECISION_FLOORS = { float32: 0.95, float16: 0.95, int8: 0.94 } as const;

for (const [precision, floor] of Object.entries(PRECISION_FLOORS) as [Precision, number][]) {
  for (const metric of ['l2', 'cosine', 'dot'] as const) {
    t.test(`${precision}, ${metric}: recall@10 in a few leaves is at least ${floor}`, async (t) => {
      const given = { metric, dimension: DIMENSION, maxLeafSize: 200 } as const;
      const index = new TestIndex(vectors, given, vectors.length, precision);
      const plan = rootPlan(index.shape);
      const recall = index.recall(queries, { k: 10, ...plan }, vectors);
      t.ok(recall >= floor, `recall ${recall}`);
    });
  }
}

for (const { recall: floor, ...given } of FLOORS) {
  t.test(
    `${given.metric}, ${given.quantizer}, ${given.bits} bits: recall@10 in a few leaves is at least ${floor}`,
    async (t) => {
      const index = new TestIndex(vectors, { ...given, dimension: DIMENSION, maxLeafSize: 200 });
      const plan = rootPlan(index.shape);
      const recall = index.recall(queries, { k: 10, ...plan });
      t.ok(recall >= floor, `recall ${recall} with ${plan.probes} of ${index.generation.leaves} leaves`);
    },
  );
}

t.test('a declared recall is what queries get that the calibration has not seen', async (t) => {
  const count = 6000;
  const all = clustered(count + 300, DIMENSION, 99, 80);
  const [base, fresh] = [all.slice(0, count), all.slice(count)];
  for (const metric of ['l2', 'cosine', 'dot'] as const) {
    const index = new TestIndex(base, { metric, dimension: DIMENSION, maxLeafSize: 60 });
    const calibration = index.calibrate();
    const { leaves } = index.generation;
    const truths = fresh.map((vector) => nearestOf(metric, base, vector, 100).map(({ row }) => row));
    for (const k of [1, 10, 100]) {
      for (const targetRecall of [0.9, 0.95, 0.99]) {
        const plan = planSearch(index.shape, calibration, { k, targetRecall });
        let hits = 0;
        fresh.forEach((vector, i) => {
          const truth = new Set(truths[i]?.slice(0, k));
          const { rows } = index.find({ vector, k, ...plan });
          for (const row of rows.subarray(0, k)) if (truth.has(row)) hits++;
        });
        const recall = hits / (fresh.length * k);
        const how = `${plan.probes} probes at most of ${leaves}, share ${plan.probeShare}`;
        t.ok(recall >= targetRecall - 0.015, `${metric}, k ${k}, ${targetRecall}: ${recall} with ${how}`);
        t.equal(plan.exact, false);
      }
    }
  }
});
