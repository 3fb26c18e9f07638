// What a leaf may be expected to hold below a distance, against leaves whose vectors are drawn.

import t from 'tap';
import { dotSpreadOf, expectedBelow, missedHits, spreadOf } from '../../src/index/expected-hits.js';
import { seededRandom } from '../../src/index/random.js';
import { distanceOf } from './built.js';

const DIMENSION = 24;
const COUNT = 4000;

function drawn(seed: number): { normal: () => number; vector: (deviation: number) => Float32Array } {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return {
    normal,
    vector: (deviation) => Float32Array.from({ length: DIMENSION }, () => deviation * normal()),
  };
}

for (const metric of ['l2', 'dot'] as const) {
  t.test(
    `${metric}: as many are expected as lie there, where leaves spread alike in all dimensions`,
    async (t) => {
      const { normal, vector } = drawn(5);
      const centroid = vector(1);
      const leaf = Array.from({ length: COUNT }, () => centroid.map((value) => value + 0.7 * normal()));
      const meanSquare = leaf.reduce((sum, one) => sum + distanceOf('l2', one, centroid), 0) / COUNT;
      // From afar, and from within.
      for (const query of [vector(1), centroid]) {
        const distances = leaf.map((one) => distanceOf(metric, query, one)).sort((a, b) => a - b);
        const [centroidNorm, queryNorm] = [Math.hypot(...centroid), Math.hypot(...query)];
        const seen =
          metric === 'dot'
            ? dotSpreadOf(distanceOf('cosine', query, centroid), { centroidNorm, queryNorm, meanSquare })
            : spreadOf(distanceOf('l2', query, centroid), meanSquare);
        for (const share of [0.01, 0.1, 0.5, 0.9, 0.99]) {
          const kth = distances[Math.round(share * COUNT)] as number;
          const expected = expectedBelow({ count: COUNT, ...seen }, kth, DIMENSION) / COUNT;
          t.ok(Math.abs(expected - share) < 0.07, `${share}: ${expected}`);
        }
      }
    },
  );
}

t.test('beyond all vectors the whole leaf is expected, and far below it nothing', async (t) => {
  const leaf = { count: 30, ...spreadOf(9, 1) };
  t.equal(expectedBelow(leaf, Number.POSITIVE_INFINITY, 16), 30);
  t.equal(expectedBelow(leaf, -1e9, 16), 0);
  t.equal(expectedBelow({ ...leaf, mean: Number.NaN }, 1, 16), 30, 'what is no number is expected');
  const [near, far] = [2, 9].map((kth) => expectedBelow(leaf, kth, 16)) as [number, number];
  t.ok(near < far);
  const [narrow, wide] = [64, 4].map((dimensions) => expectedBelow(leaf, 5, dimensions)) as [number, number];
  t.ok(narrow < wide, 'fewer dimensions spread farther');
});

t.test('vectors that are all the same are expected where they are', async (t) => {
  const leaf = { count: 10, ...spreadOf(4, 0) };
  t.equal(expectedBelow(leaf, 4 * (1 - 1e-4), 16), 0);
  t.equal(expectedBelow(leaf, 4 * (1 + 1e-4), 16), 10);
});

t.test('what the model gets wrong where k were found it gets wrong of the others', async (t) => {
  t.equal(missedHits(10, 10, 2), 2, 'as many as expected');
  t.equal(missedHits(10, 5, 2), 4, 'twice as many as expected');
  t.equal(missedHits(10, 40, 2), 1, 'a quarter of those, of which the root is believed');
  t.equal(missedHits(10, 0, 0), 0);
  t.ok(missedHits(10, 0, 0.003) < 0.2, 'where nothing was expected, as among pending rows, little is known');
  t.ok(missedHits(10, 1, 2) > missedHits(10, 2, 1), 'the more are left the more are missed');
});
