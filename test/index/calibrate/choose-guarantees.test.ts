// What is promised of single queries, from made-up ones whose quantiles are known.

import t from 'tap';
import { chooseGuarantees, placeFor } from '../../../src/index/calibrate/choose-guarantees.js';
import { LeafProfiles } from '../../../src/index/calibrate/leaf-profiles.js';
import type { Guarantee } from '../../../src/index/calibration.js';
import { FLAT, LEAVES, profilesOf } from './made-up.js';

const DIMENSIONS = 16;

/** Whatever is chosen by other queries is here chosen by the same. */
function guaranteesOf(profiles: LeafProfiles): Guarantee[] {
  return chooseGuarantees(profiles, profiles, DIMENSIONS);
}

function find(guarantees: Guarantee[], k: number, misses: number, confidence: number): Guarantee | undefined {
  return guarantees.find((one) => one.k === k && one.misses === misses && one.confidence === confidence);
}

/** The chance that of `count` scores so many at most lie above their true quantile, by logarithms of factorials. */
function chanceOf(count: number, above: number, confidence: number): number {
  const logs = [0];
  for (let i = 1; i <= count; i++) logs.push((logs[i - 1] as number) + Math.log(i));
  let chance = 0;
  for (let i = 0; i <= above; i++) {
    const ways = (logs[count] as number) - (logs[i] as number) - (logs[count - i] as number);
    chance += Math.exp(ways + i * Math.log(1 - confidence) + (count - i) * Math.log(confidence));
  }
  return chance;
}

t.test('a place is the least that 95 of 100 calibrations put high enough', async (t) => {
  for (const count of [20, 99, 714, 1000]) {
    for (const confidence of [0.5, 0.8, 0.9, 0.95, 0.99, 0.998]) {
      const place = placeFor(count, confidence);
      const what = `${count}, ${confidence}: ${place}`;
      if (place <= count) t.ok(chanceOf(count, count - place, confidence) <= 0.05, what);
      t.ok(place <= 1 || chanceOf(count, count - place + 1, confidence) > 0.05, `${what}, not less`);
    }
  }
  t.equal(placeFor(1000, 0.998), 1001, 'too few for it');
});

t.test('the share is that of a high place among what the queries needed', async (t) => {
  // Query q has all its neighbours in leaf q: of 100 equal leaves it needs (q + 1) / 100 of the hits.
  const guarantees = guaranteesOf(profilesOf(99, (query) => query));
  for (const confidence of [0.5, 0.8, 0.9, 0.95]) {
    for (const k of [1, 10, 100]) {
      const found = find(guarantees, k, 0, confidence);
      const place = placeFor(99, confidence);
      t.ok(
        Math.abs((found?.probeShare ?? 0) - place / 100) < 2e-6,
        `${k}, ${confidence}: ${found?.probeShare}`,
      );
      t.ok((found?.probeShare ?? 0) >= place / 100, 'never less');
      t.equal(found?.probes, LEAVES);
    }
  }
  t.equal(find(guarantees, 1, 0, 0.98), undefined, '99 queries cannot be as sure');
});

t.test('where a share tells nothing so many leaves are promised as the queries needed', async (t) => {
  // The first leaf is all that is expected; of 99 queries three need another, the third.
  const model = { ...FLAT, logRank: -40 };
  const guarantees = guaranteesOf(profilesOf(99, (query) => (query < 3 ? 2 : 0), { model }));
  for (const k of [1, 10, 100]) {
    for (const confidence of [0.5, 0.8, 0.9]) {
      const found = find(guarantees, k, 0, confidence);
      t.equal(found?.probes, 1, `${confidence}`);
    }
    const sure = find(guarantees, k, 0, 0.95);
    t.equal(sure?.probes, 3);
    t.equal(sure?.probeShare, 1);
  }
});

t.test('the kind of score is chosen by other queries, the place by these', async (t) => {
  const model = { ...FLAT, logRank: -40 };
  const others = profilesOf(99, (query) => (query < 8 ? 2 : 0), { model });
  const guarantees = chooseGuarantees(
    profilesOf(99, () => 5, { model }),
    others,
    DIMENSIONS,
  );
  t.equal(find(guarantees, 10, 0, 0.95)?.probes, 6);
});

t.test('misses that are allowed are left to the farthest leaves', async (t) => {
  // The i-th neighbour of query q is in leaf q / 2 + 5 i, the last two as far as leaves go.
  const rankOf = (query: number, i: number) => (i > 7 ? 99 : Math.floor(query / 2) + 5 * i);
  const guarantees = guaranteesOf(profilesOf(99, rankOf));
  for (const [misses, last] of [
    [0, 99],
    [1, 99],
    [2, 7],
    [3, 6],
    [7, 2],
  ] as const) {
    const found = find(guarantees, 10, misses, 0.5);
    const rank = rankOf(placeFor(99, 0.5) - 1, last);
    t.ok(Math.abs((found?.probeShare ?? 0) - (rank + 1) / 100) < 2e-6, `${misses}: ${found?.probeShare}`);
  }
  t.notOk(guarantees.some(({ k, misses }) => misses >= k));
});

t.test('what codes lose is lost to some queries, and no share promises it', async (t) => {
  // Of every twelfth query the nearest neighbour is never read.
  const guarantees = guaranteesOf(
    profilesOf(99, () => 3, {
      change: (sample, query) => {
        if (query % 12 === 0) sample.bounds[0] = 0;
      },
    }),
  );
  for (const k of [1, 10, 100]) {
    t.ok(find(guarantees, k, 0, 0.8), `k ${k}: 90 of 99 are found`);
    t.equal(find(guarantees, k, 0, 0.9), undefined, `k ${k}: more would have to be`);
    if (k > 1) t.ok(find(guarantees, k, 1, 0.95), 'one may be missed');
  }
});

t.test('a neighbour beyond the leaves that are ranked is one that nothing promises', async (t) => {
  const beyond = profilesOf(99, (query) => (query < 20 ? LEAVES : 0), { leaves: 1000 });
  const guarantees = guaranteesOf(beyond);
  t.ok(find(guarantees, 10, 0, 0.5));
  t.equal(find(guarantees, 10, 0, 0.8), undefined);
});

t.test('without a model, or with fewer neighbours than k, nothing is promised', async (t) => {
  const { samples } = profilesOf(50, () => 0);
  t.strictSame(guaranteesOf(new LeafProfiles(samples, LEAVES, LEAVES, undefined)), []);
  const few = profilesOf(50, () => 0, { change: (sample, query) => (sample.count = query === 7 ? 9 : 100) });
  t.strictSame([...new Set(guaranteesOf(few).map(({ k }) => k))], [1]);
});
