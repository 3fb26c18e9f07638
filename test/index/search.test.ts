import t, { type Test } from 'tap';
import { CANDIDATES_MAX, K_MAX } from '../../src/limits.js';
import { clustered, nearestOf, TestIndex } from './built.js';

const METRICS = ['l2', 'cosine', 'dot'] as const;
const shape = { maxLeafSize: 60, branchingFactor: 8 };

/** The nearest by brute force and by the index may swap where float32 cannot tell them apart. */
function sameNeighbours(
  t: Test,
  expected: { row: number; distance: number }[],
  distances: Float32Array,
): void {
  expected.forEach(({ distance }, i) => {
    const found = distances[i] ?? Number.NaN;
    if (!(Math.abs(found - distance) <= 1e-4 * (1 + Math.abs(distance))))
      t.fail(`place ${i}: ${found}, not ${distance}`);
  });
}

t.test('exact search agrees with brute force, for every metric and odd dimensions', async (t) => {
  for (const metric of METRICS) {
    for (const dimension of [2, 5, 8, 33, 130]) {
      const vectors = clustered(500, dimension, dimension + 1);
      const index = new TestIndex(vectors, { ...shape, metric, dimension }, 350);
      for (const vector of clustered(10, dimension, 77)) {
        const { distances, rows } = index.search({ vector, exact: true, k: 12 });
        sameNeighbours(t, nearestOf(metric, vectors, vector, 12), distances);
        t.equal(new Set(rows).size, rows.length);
      }
    }
  }
  t.pass();
});

t.test('all leaves and a generous rerank find what exact search finds', async (t) => {
  for (const metric of METRICS) {
    for (const quantizer of ['rabitq', 'sign'] as const) {
      const vectors = clustered(900, 24, 4);
      const index = new TestIndex(vectors, { ...shape, metric, quantizer, dimension: 24 });
      // Sign codes rank so badly that only a rerank of everything finds all.
      const rerankFactor = quantizer === 'sign' ? 90 : 60;
      const recall = index.recall(clustered(40, 24, 5), { k: 10, rerankFactor });
      t.ok(recall >= 0.99, `${metric} ${quantizer}: ${recall}`);
    }
  }
});

t.test('pending rows are found before and after they have codes, and beside an index', async (t) => {
  for (const indexed of [0, 300]) {
    const vectors = clustered(900, 16, 6);
    const index = new TestIndex(vectors, { ...shape, metric: 'l2', dimension: 16 }, indexed);
    for (const left of [600, 250, 0]) {
      index.encode(left);
      for (const row of [0, 299, 300, 555, 899]) {
        const { rows, distances } = index.search({ vector: vectors[row] as Float32Array, k: 1 });
        t.equal(rows[0], row, `row ${row} with ${left} rows not encoded`);
        t.ok((distances[0] as number) < 1e-6);
      }
    }
  }
});

t.test('deleted vectors are never found, by codes or exactly', async (t) => {
  const vectors = clustered(800, 12, 8);
  const index = new TestIndex(vectors, { ...shape, metric: 'cosine', dimension: 12 }, 500);
  index.encode(100);
  const isLive = (row: number): boolean => row % 3 !== 0;
  vectors.forEach((_, row) => {
    if (!isLive(row)) index.generation.markDead(index.positionOf(row));
  });
  for (const vector of vectors.slice(0, 30)) {
    for (const exact of [true, false]) {
      const { rows, distances } = index.search({ vector, exact, rerankFactor: 90 });
      t.ok([...rows].every(isLive));
      sameNeighbours(t, nearestOf('cosine', vectors, vector, exact ? 10 : 1, isLive), distances);
    }
  }
});

t.test('k beyond what there is returns all there is', async (t) => {
  const index = new TestIndex(clustered(40, 8, 1), { ...shape, metric: 'l2', dimension: 8 }, 20);
  t.equal(index.search({ vector: new Float32Array(8), k: 500, rerankFactor: 2 }).rows.length, 40);
});

t.test('more than k are returned where distances tie at the k-th place', async (t) => {
  const vectors = clustered(100, 8, 1);
  for (let row = 50; row < 70; row++) vectors[row] = vectors[50] as Float32Array;
  const index = new TestIndex(vectors, { ...shape, metric: 'l2', dimension: 8 });
  const { rows, distances } = index.search({ vector: vectors[50] as Float32Array, k: 5 });
  t.equal(rows.length, 20);
  t.ok(distances.every((distance) => distance === 0));
});

t.test('the parts of a split search together find what the whole finds', async (t) => {
  const vectors = clustered(1500, 20, 3);
  const index = new TestIndex(vectors, { ...shape, metric: 'dot', dimension: 20 }, 1000);
  index.encode(200);
  for (const vector of clustered(10, 20, 31)) {
    for (const exact of [true, false]) {
      const whole = index.search({ vector, exact });
      const found = [0, 1, 2].flatMap((i) => [
        ...index.search({ vector, exact }, { index: i, count: 3 }).distances,
      ]);
      const best = found.sort((a, b) => a - b).slice(0, 10);
      t.same(best, [...whole.distances.subarray(0, 10)]);
    }
  }
});

t.test('a vector far outside of the data, and one of zeros, are answered', async (t) => {
  const vectors = clustered(400, 10, 3);
  for (const metric of METRICS) {
    const index = new TestIndex(vectors, { ...shape, metric, dimension: 10 });
    for (const vector of [
      new Float32Array(10).fill(1e6),
      new Float32Array(10),
      new Float32Array(10).fill(-1e-12),
    ]) {
      const { rows, distances } = index.search({ vector });
      t.ok(rows.length >= 10, `${metric}: ${rows.length}`);
      t.ok(distances.every(Number.isFinite));
    }
  }
});

t.test('stats count what was scanned', async (t) => {
  const vectors = clustered(600, 10, 3);
  const index = new TestIndex(vectors, { ...shape, metric: 'l2', dimension: 10 }, 500);
  const { stats } = index.search({ vector: vectors[0] as Float32Array });
  t.equal(stats.vectorsScanned, 600);
  t.equal(stats.probes, index.generation.leaves);
  t.ok(stats.vectorsReranked >= 10);
});

t.test('for dot, the length of the query and the place of the data change nothing', async (t) => {
  for (const offset of [0, 30]) {
    const vectors = clustered(4000, 32, 8, 40).map((vector) => vector.map((value) => value + offset));
    const index = new TestIndex(vectors, { dimension: 32, metric: 'dot', maxLeafSize: 60 });
    const queries = clustered(40, 32, 9, 40);
    const effort = { k: 10, probes: Math.ceil(index.generation.leaves / 4), rerankFactor: 10 };
    const recalls = [1, 1e-6, 1e6].map((scale) =>
      index.recall(
        queries.map((query) => query.map((value) => scale * value)),
        effort,
      ),
    ) as [number, number, number];
    t.ok(recalls[0] > 0.9, `${recalls} at an offset of ${offset}`);
    t.ok(Math.max(...recalls) - Math.min(...recalls) < 0.01, `${recalls}`);
  }
});

t.test('any k may keep as many candidates as there is room for', async (t) => {
  const vectors = clustered(300, 8, 3);
  for (const quantizer of ['sign', 'rabitq'] as const) {
    const index = new TestIndex(vectors, { dimension: 8, metric: 'l2', quantizer, maxLeafSize: 40 });
    for (const k of [1, 521, 522, 559, 567, 580, 606, 1000, K_MAX + 1]) {
      const { rows } = index.search({
        vector: vectors[7] as Float32Array,
        k,
        rerankFactor: CANDIDATES_MAX / k,
      });
      t.equal(rows.length, Math.min(k, 300), `${quantizer}, k ${k}`);
    }
  }
});
