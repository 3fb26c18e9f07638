// What is summed up over the leaves of calibration queries, from made-up ones.

import t from 'tap';
import type { QuerySample } from '../../../src/index/calibrate/samples.js';
import { expectedBelow, missedHits, REMOTENESS_MAX } from '../../../src/index/expected-hits.js';
import { LEAVES, profilesOf } from './made-up.js';

const DIMENSIONS = 16;
const BIG = 300;

/** Leaves ten apart of the same spread: fewer hits are to be expected of each. */
function spread(sample: QuerySample): void {
  sample.leafMeans.set(sample.leafMeans.map((_, i) => 1 + 0.02 * i));
  sample.leafSpreads.fill(2);
  sample.kthDistances.set([0.5, 1, 2]);
}

function expected(leaf: number, kth: number): number {
  return expectedBelow({ count: 10, mean: Math.fround(1 + 0.02 * leaf), spread: 2 }, kth, DIMENSIONS);
}

function sum(first: number, end: number, kth: number): number {
  let total = 0;
  for (let leaf = first; leaf < end; leaf++) total += expected(leaf, kth);
  return total;
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * (1 + Math.abs(b));
}

t.test('hits missed are those to be expected in the leaves left out', async (t) => {
  const profiles = profilesOf(3, () => 0, { change: spread });
  for (const [kIndex, kth] of [0.5, 1, 2].entries()) {
    const [behind] = profiles.missesBehind(kIndex, DIMENSIONS) as [Float64Array];
    for (const probes of [0, 1, 50, 99]) {
      const { scanned, left } = profiles.expectedOf(behind, probes, LEAVES);
      t.ok(near(scanned, sum(0, probes, kth)), `${kth}, ${probes} are scanned`);
      t.ok(near(left, sum(probes, LEAVES, kth)), `${kth}, ${probes} of all`);
      t.ok(near(profiles.missed(10, behind, probes, LEAVES), missedHits(10, scanned, left)));
    }
    t.equal(profiles.missed(10, behind, LEAVES, LEAVES), 0);
    t.equal(profiles.missed(10, behind, 1000, 1000), 0);
  }
});

t.test('a leaf that is not ranked is taken for as promising as the last that is', async (t) => {
  const profiles = profilesOf(1, () => 0, { change: spread, leaves: BIG });
  const [behind] = profiles.missesBehind(2, DIMENSIONS) as [Float64Array];
  const missed = (probes: number, ranked: number): number => profiles.expectedOf(behind, probes, ranked).left;
  // All of the sample's leaves are ranked, or fewer, or more than it knows.
  t.ok(near(missed(5, LEAVES), sum(5, LEAVES, 2) + (BIG - LEAVES) * expected(LEAVES - 1, 2)));
  t.ok(near(missed(5, 40), sum(5, 40, 2) + (BIG - 40) * expected(39, 2)));
  t.ok(near(missed(5, 150), missed(5, LEAVES)));
  t.ok(near(missed(120, 150), (BIG - 120) * expected(LEAVES - 1, 2)), 'so many are scanned');
  t.equal(missed(BIG, BIG), 0);
});

t.test('queries may be chosen of which the misses are summed up', async (t) => {
  const profiles = profilesOf(10, () => 0, {
    change: (sample, query) => {
      spread(sample);
      sample.kthDistances.fill(query);
    },
  });
  const chosen = profiles.missesBehind(0, DIMENSIONS, [7, 2]);
  t.equal(chosen.length, 2);
  for (const [i, kth] of [7, 2].entries())
    t.ok(near((chosen[i] as Float64Array)[0] as number, sum(0, LEAVES, kth)));
});

t.test('usual is what all queries but one in two hundred expect to miss', async (t) => {
  const kthOf = (query: number): number => (query < 3 ? 5 : 1 + query / 1e4);
  const profiles = profilesOf(400, () => 0, {
    change: (sample, query) => {
      spread(sample);
      sample.kthDistances.fill(kthOf(query));
    },
  });
  const behind = profiles.missesBehind(1, DIMENSIONS);
  const missed = (kth: number): number => missedHits(10, sum(0, 10, kth), sum(10, LEAVES, kth));
  const usual = profiles.usualMisses(10, behind, () => 10, LEAVES);
  // Three stand out, of which two may.
  t.ok(near(usual, missed(5)), `${usual}`);
  const byQuery = profiles.usualMisses(10, behind, (query) => (query < 3 ? LEAVES : 10), LEAVES);
  t.ok(near(byQuery, missed(Math.fround(kthOf(397)))), 'by the leaves that each query has scanned');
  t.equal(
    profiles.usualMisses(10, [], () => 1, LEAVES),
    0,
    'nothing is known of no queries',
  );
});

t.test('questionable candidates are those of all queries but one in two hundred', async (t) => {
  const profiles = profilesOf(200, () => 0, {
    change: (sample, query) => sample.questionable.set([1, 2, 3, 4, 5, 6].map((i) => 1000 * i + query)),
  });
  for (const kIndex of [0, 1, 2])
    for (const widthsIndex of [0, 1])
      t.equal(profiles.questionable(kIndex, widthsIndex), 1000 * (2 * kIndex + widthsIndex + 1) + 198);
  t.equal(profilesOf(0, () => 0).questionable(0, 0), 0);
});

t.test(
  'a query is remote where its nearest leaf is farther than that of any, and a tenth more',
  async (t) => {
    const ofDistance = (distanceOf: (query: number) => number, meanSquare = 2) =>
      profilesOf(20, () => 0, {
        change: (sample, query) => {
          const distance = distanceOf(query);
          sample.leafDistances[0] = distance;
          sample.leafMeans[0] = distance ** 2 + meanSquare;
        },
      });
    const profiles = ofDistance((query) => (query === 11 ? 3 : 1));
    for (const metric of ['l2', 'cosine'] as const)
      t.ok(Math.abs(profiles.nearestMax(metric) - (1.1 * 9) / 2) < 1e-5, 'by how far the leaf spreads');
    t.ok(Math.abs(profiles.nearestMax('dot') - 1.1 * 9) < 1e-5, 'for dot by the angle alone');
    t.equal(ofDistance(() => 1, 0).nearestMax('l2'), REMOTENESS_MAX, 'a leaf of one point');
    t.equal(profilesOf(0, () => 0).nearestMax('l2'), 0);
  },
);
