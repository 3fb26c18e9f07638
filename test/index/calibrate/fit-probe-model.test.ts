// The fit of the probe model to hits that were drawn from a known one.

import t from 'tap';
import { fitProbeModel } from '../../../src/index/calibrate/fit-probe-model.js';
import { allocateSamples, QuerySample } from '../../../src/index/calibrate/samples.js';
import { expectedHits } from '../../../src/index/probe-model.js';
import { seededRandom } from '../../../src/index/random.js';

const MODEL = { gap: -2, gapSquared: -1.5, relativeGap: -0.6, logSize: 0.9, logRank: -0.4 };
const SHAPE = { queries: 400, leaves: 120 };

/** Ten hits a query, each in a leaf drawn by the model's expectation. */
function drawn(seed: number): QuerySample[] {
  const random = seededRandom(seed);
  const buffer = allocateSamples(SHAPE);
  return Array.from({ length: SHAPE.queries }, (_, query) => {
    const sample = new QuerySample(buffer, SHAPE, query);
    const slope = 0.005 + 0.02 * random();
    for (let leaf = 0; leaf < SHAPE.leaves; leaf++) {
      sample.leafDistances[leaf] = 1 + slope * leaf + (leaf > 0 ? 0.3 * random() : 0);
      sample.leafSizes[leaf] = 50 + Math.floor(400 * random());
    }
    sample.leafDistances.sort();
    const hits = new Float32Array(SHAPE.leaves);
    expectedHits(MODEL, sample.leafDistances, sample.leafSizes, SHAPE.leaves, hits);
    const total = hits.reduce((sum, value) => sum + value, 0);
    sample.count = 10;
    for (let hit = 0; hit < 10; hit++) {
      let left = random() * total;
      let leaf = 0;
      while (left > (hits[leaf] as number) && leaf < SHAPE.leaves - 1) left -= hits[leaf++] as number;
      sample.leafRanks[hit] = leaf;
    }
    return sample;
  });
}

t.test('the fitted model expects what the true one does', async (t) => {
  const samples = drawn(11);
  const fitted = fitProbeModel(samples, SHAPE.leaves);
  if (!fitted) return t.fail('no fit');
  let [difference, count] = [0, 0];
  for (const { leafDistances, leafSizes } of drawn(12).slice(0, 50)) {
    const shares = [MODEL, fitted].map((model) => {
      const hits = new Float32Array(SHAPE.leaves);
      expectedHits(model, leafDistances, leafSizes, SHAPE.leaves, hits);
      const total = hits.reduce((sum, value) => sum + value, 0);
      return hits.map((value) => value / total);
    }) as [Float32Array, Float32Array];
    shares[0].forEach((share, leaf) => {
      difference += Math.abs(share - (shares[1][leaf] as number));
    });
    count++;
  }
  t.ok(difference / count < 0.1, `the expected shares differ by ${difference / count} in all`);
});

t.test('leaves that are all alike, or no hits at all, give no wild weights', async (t) => {
  const buffer = allocateSamples(SHAPE);
  const alike = Array.from({ length: 50 }, (_, query) => {
    const sample = new QuerySample(buffer, SHAPE, query);
    sample.leafDistances.fill(1);
    sample.leafSizes.fill(64);
    sample.count = 10;
    sample.leafRanks.set(Array.from({ length: 10 }, (_, i) => i));
    return sample;
  });
  const model = fitProbeModel(alike, SHAPE.leaves);
  if (model) t.ok(Object.values(model).every(Number.isFinite));
  t.equal(fitProbeModel([], SHAPE.leaves), undefined);
  for (const sample of alike) sample.count = 0;
  const none = fitProbeModel(alike, SHAPE.leaves);
  t.ok(none === undefined || Object.values(none).every(Number.isFinite));
});
