// The dimensions in which leaves spread, fitted to leaves whose neighbours were drawn by known ones.

import t from 'tap';
import { fitSpreadDimensions } from '../../../src/index/calibrate/fit-spread-dimensions.js';
import { expectedBelow, spreadOf } from '../../../src/index/expected-hits.js';
import { seededRandom } from '../../../src/index/random.js';
import { LEAVES, profilesOf } from './made-up.js';

/** Ten neighbours a query, each in a leaf drawn by what leaves of so many dimensions are expected to hold below the tenth. */
function drawn(dimensions: number) {
  const random = seededRandom(dimensions);
  const kth = 0.5;
  const leaves = Array.from({ length: LEAVES }, (_, i) => spreadOf(1 + 0.1 * i, 2));
  const expected = leaves.map((leaf) => expectedBelow({ count: 10, ...leaf }, kth, dimensions));
  const total = expected.reduce((sum, value) => sum + value, 0);
  const rankOf = (): number => {
    let left = random() * total;
    let rank = 0;
    while (left > (expected[rank] as number) && rank < LEAVES - 1) left -= expected[rank++] as number;
    return rank;
  };
  const size = Math.round(100 / total);
  return profilesOf(600, rankOf, {
    change: (sample) => {
      sample.leafMeans.set(leaves.map(({ mean }) => mean));
      sample.leafSpreads.set(leaves.map(({ spread }) => spread));
      sample.leafSizes.fill(size);
      sample.kthDistances.fill(kth);
    },
  });
}

for (const dimensions of [8, 20, 60]) {
  t.test(`leaves that spread in ${dimensions} dimensions`, async (t) => {
    const fitted = fitSpreadDimensions(drawn(dimensions), 1024);
    t.ok(fitted > dimensions / 1.15 && fitted < dimensions * 1.15, `${fitted}`);
  });
}

t.test('where there is nothing to learn from, leaves seem to spread far', async (t) => {
  t.equal(
    fitSpreadDimensions(
      profilesOf(0, () => 0),
      1024,
    ),
    1,
  );
  t.equal(
    fitSpreadDimensions(
      profilesOf(20, () => 0, { change: (sample) => (sample.count = 0) }),
      1024,
    ),
    1,
  );
  t.equal(
    fitSpreadDimensions(
      profilesOf(20, () => LEAVES - 1),
      1024,
    ),
    1,
    'the neighbours are in the last leaf',
  );
});
