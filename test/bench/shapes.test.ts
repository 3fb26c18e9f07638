// The instrument that judges declared recall: its truth, its states, its statistics.

import t from 'tap';
import { type Matrix, row } from '../../bench/data/split.js';
import { COPIES, copyOf } from '../../bench/shapes/copies.js';
import { recallBound } from '../../bench/shapes/recall-bound.js';
import { METRICS, SHAPES, seedOf, shapeNamed } from '../../bench/shapes/shapes.js';
import { STATES, sceneOf } from '../../bench/shapes/states.js';
import { distanceBetween, truthOf } from '../../bench/shapes/truth.js';
import { seededRandom } from '../../src/index/random.js';
import { nearestOf } from '../index/built.js';
import { sceneAfter } from '../recall/scene-after.js';

const COUNT = 400;
const QUERIES = 20;

t.test('the hits of the truth are the nearest of a sort of all, in every metric', async (t) => {
  const shape = shapeNamed('clusters-overlapping');
  for (const metric of METRICS) {
    const given = { shape, metric, state: 'built', count: COUNT, queries: QUERIES, seed: 1 } as const;
    const { live, queries } = sceneOf(given);
    const { isHit, crowd } = truthOf(metric, live, queries, [1, 10, 1000]);
    const vectors = Array.from({ length: COUNT }, (_, i) => row(live, i));
    for (let query = 0; query < QUERIES; query++) {
      const nearest = nearestOf(metric, vectors, row(queries, query), 10).map((found) => found.row);
      const hits = vectors.flatMap((_, i) => (isHit(10, query, i) ? [i] : []));
      t.strictSame(
        hits,
        nearest.toSorted((a, b) => a - b),
      );
      t.ok(isHit(1, query, nearest[0] as number));
      t.notOk(isHit(1, query, nearest[1] as number));
      t.ok(vectors.every((_, i) => isHit(1000, query, i)));
    }
    t.equal(crowd.get(10), 1);
  }
});

t.test('ties are all hits, and the truth tells that it cannot choose', async (t) => {
  const values = new Float32Array(20 * 2).fill(1);
  const live = { count: 20, dimension: 2, values };
  const truth = truthOf('l2', live, { count: 1, dimension: 2, values: Float32Array.of(3, 3) }, [5]);
  t.ok(Array.from({ length: 20 }, (_, i) => truth.isHit(5, 0, i)).every(Boolean));
  t.equal(truth.crowd.get(5), 4);
});

t.test('every shape and state: what is live is what the steps leave, and repeats', async (t) => {
  for (const shape of SHAPES) {
    for (const metric of METRICS) {
      for (const state of STATES) {
        const given = { shape, metric, state, count: COUNT, queries: QUERIES, seed: seedOf(shape) };
        const scene = sceneOf(given);
        const name = `${shape.name}, ${metric}, ${state}`;
        const replayed = sceneAfter(scene.steps, scene.queries);
        const byId = new Map(replayed.ids.map((id, i) => [id, row(replayed.live, i)]));
        t.equal(scene.live.count, replayed.live.count, name);
        t.ok(
          scene.ids.every((id, i) => isSame(byId.get(id), row(scene.live, i))),
          name,
        );
        const inserted = scene.steps.flatMap((step) => (step.kind === 'insert' ? [step.vectors] : []));
        t.ok([...inserted, scene.queries].every(isSearchable), name);
        t.ok(isSame(sceneOf(given).queries.values, scene.queries.values), name);
      }
    }
  }
});

function isSame(a: Float32Array | undefined, b: Float32Array): boolean {
  return a?.length === b.length && a.every((x, i) => x === b[i]);
}

/** No vector is zero, which cosine refuses, or not finite. */
function isSearchable(vectors: Matrix): boolean {
  const rows = Array.from({ length: vectors.count }, (_, i) => row(vectors, i));
  return rows.every((vector) => vector.some((x) => x !== 0) && vector.every(Number.isFinite));
}

t.test(
  'regions have the size they should, and queries are nearer to what was changed than to the rest',
  async (t) => {
    for (const [shape, metric] of SHAPES.flatMap((shape) =>
      METRICS.map((metric) => [shape, metric] as const),
    )) {
      const given = { shape, metric, count: 1000, queries: QUERIES, seed: seedOf(shape) };
      const gone = 1 - sceneOf({ ...given, state: 'region deleted' }).live.count / 1000;
      t.ok(gone >= 0.3 && gone <= 0.46, `${shape.name}: ${gone} deleted`);
      const [, , last] = sceneOf({ ...given, state: 'region inserted' }).steps;
      const late = last?.kind === 'insert' ? last.ids.length : 0;
      t.ok(late >= 20 && late <= 115, `${shape.name}: ${late} inserted`);
      const left = sceneOf({ ...given, state: '90 % deleted' }).live.count;
      t.ok(left > 60 && left < 140, `${shape.name}: ${left} left`);
    }
    const given = {
      shape: shapeNamed('clusters-apart'),
      metric: 'l2',
      count: 1000,
      queries: QUERIES,
      seed: 5,
    } as const;
    const { steps, queries } = sceneOf({ ...given, state: 'region inserted' });
    const [before, , after] = steps;
    if (before?.kind !== 'insert' || after?.kind !== 'insert') throw new Error('a step is missing');
    let nearer = 0;
    for (let i = 0; i < QUERIES; i++) {
      const [near, far] = [after, before].map(({ vectors }) =>
        Math.min(
          ...Array.from({ length: vectors.count }, (_, j) =>
            distanceBetween('l2', row(queries, i), row(vectors, j)),
          ),
        ),
      );
      if ((near as number) < (far as number)) nearer++;
    }
    // What is inserted late may be part of a cluster.
    t.ok(nearer >= 0.9 * QUERIES, `${nearer} of ${QUERIES}`);
  },
);

t.test('a mean fails only where it is surely too low', async (t) => {
  const of = (count: number, valueAt: (i: number) => number) =>
    recallBound(Float64Array.from({ length: count }, (_, i) => valueAt(i)));
  t.strictSame(
    of(1000, () => 1),
    { mean: 1, upper: 1 },
  );
  t.ok(of(1000, () => 0.9).upper < 0.91);
  t.ok(of(100, () => 0.9).upper < 0.95);
  t.ok(of(1000, () => 0).upper < 0.01);
  t.ok(of(10, () => 0).upper > 0.4, 'few queries say little');
  const { mean, upper } = of(1000, (i) => (i % 20 === 0 ? 0 : 1));
  t.equal(mean, 0.95);
  const error = Math.sqrt((0.95 * 0.05) / 999);
  t.ok(Math.abs(upper - (0.95 + 3.09 * error)) < 1e-9);
});

t.test('copies keep distances, or their ratios', async (t) => {
  for (const metric of METRICS) {
    const shape = shapeNamed('gaussian');
    const scene = sceneOf({ shape, metric, state: 'built', count: 50, queries: 5, seed: 1 });
    for (const copy of COPIES.filter(({ metrics }) => metrics.includes(metric))) {
      const copied = copyOf(scene, copy, seededRandom(2));
      const ratios = Array.from({ length: 50 }, (_, i) => {
        const [before, after] = [scene, copied].map(({ queries, live }) =>
          distanceBetween(metric, row(queries, 0), row(live, i)),
        );
        return (after as number) / (before as number);
      });
      const [first] = ratios;
      t.ok(
        ratios.every((ratio) => Math.abs(ratio / (first as number) - 1) < 2e-3),
        `${metric}, ${copy.name}`,
      );
    }
  }
});
